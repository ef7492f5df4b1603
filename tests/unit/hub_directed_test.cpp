#include <catch2/catch.hpp>

#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

const Origin other{1, 0};
const std::string news = R"([null,null,"room:a","news",{}])";

control::PublishMany message() {
    control::PublishMany publish;
    publish.messages.push_back({"room:a", "news", "{}", {}});
    return publish;
}

BroadcastRef all_but(const SessionId& session, std::uint64_t number) {
    return Broadcast::encode(other, number, {"room:a", "news", "{}", {}, false, session});
}

}  // namespace

TEST_CASE("a broadcast with an exception is its own bytes again, and its frame is the common one") {
    const SessionId session{{0x0123456789abcdef, 4}, (std::uint64_t{9} << 32) | 1};
    const auto made =
        Broadcast::encode(other, 7, {"room:a", "news", R"({"n":1})", "id-1", false, session});
    const auto plain = Broadcast::encode(other, 7, {"room:a", "news", R"({"n":1})", "id-1", false});
    CHECK(made->frame() == plain->frame());
    CHECK(made->wire().size() == plain->wire().size() + 17);
    CHECK(!plain->except());
    const auto parsed = Broadcast::parse(made->wire());
    REQUIRE(parsed);
    CHECK((*parsed)->except() == session);
    CHECK((*parsed)->id() == "id-1");
    CHECK((*parsed)->topic() == "room:a");
    CHECK((*parsed)->event() == "news");
    CHECK((*parsed)->payload() == R"({"n":1})");
    for (std::size_t size = 0; size < made->wire().size(); ++size) {
        CHECK(!Broadcast::parse(made->wire().substr(0, size)));
    }
}

TEST_CASE_METHOD(HubFixture, "the excluded session is not shown a message of another node") {
    const auto ann = joined(), bob = joined();
    hub.on_broadcast(all_but(hub.session_of(ann), 1), now);
    CHECK(heard(ann).empty());
    CHECK(heard(bob) == Texts{news});
}

TEST_CASE_METHOD(HubFixture, "a replay does not show the excluded session its message") {
    const auto ann = open();
    say(ann, R"(["1","1","room:a","phx_join",{"since":{}}])");
    make_live();
    REQUIRE(outlet.resumes.size() == 1);
    Replay replay;
    replay.messages.push_back(all_but(hub.session_of(ann), 1));
    replay.messages.push_back(all_but({{7, 2}, 99}, 2));
    hub.on_resumed(outlet.resumes.front().ticket, replay, now);
    const auto texts = heard(ann);
    REQUIRE(texts.size() == 2);  // the reply, and one message
    CHECK(texts[1].find("0000000000000001.0/2") != std::string::npos);
}

TEST_CASE_METHOD(HubFixture, "to one session, as a push on its channel") {
    const auto ann = joined(), bob = joined();
    auto publish = message();
    publish.to = hub.session_of(ann);
    CHECK(hub.on_delivery({publish}) == DeliveryCounts{1});
    CHECK(heard(ann) == Texts{R"(["1",null,"room:a","news",{}])"});
    CHECK(heard(bob).empty());

    publish.messages[0].topic = "room:b";
    CHECK(hub.on_delivery({publish}) == DeliveryCounts{0});
    publish.to->serial += 1;
    CHECK(hub.on_delivery({publish}) == DeliveryCounts{0});
}

TEST_CASE_METHOD(HubFixture, "counting sends nothing, and leaves the excluded session out") {
    const auto ann = joined(), bob = joined();
    auto publish = message();
    publish.except = hub.session_of(ann);
    publish.messages.push_back({"room:nobody", "news", "{}", {}});
    CHECK(hub.on_delivery({publish, true}) == DeliveryCounts{1, 0});
    CHECK(heard(ann).empty());
    CHECK(heard(bob).empty());
    CHECK(hub.on_delivery({publish}) == DeliveryCounts{1, 0});
    CHECK(heard(ann).empty());
    CHECK(heard(bob) == Texts{news});
}

TEST_CASE_METHOD(HubFixture, "a kick closes the connection, once") {
    const auto ann = joined();
    const control::Kick kick{hub.session_of(ann), false};
    CHECK(hub.on_delivery({kick}) == DeliveryCounts{1});
    CHECK(hub.on_delivery({kick}) == DeliveryCounts{0});
}
