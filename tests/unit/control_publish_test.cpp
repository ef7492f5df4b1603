#include <catch2/catch.hpp>

#include "proto/control.hpp"

using namespace roost;

namespace {

const SessionId session{{0x0123456789abcdef, 3}, (std::uint64_t{7} << 32) | 2};

control::PublishMany two_messages() {
    control::PublishMany publish;
    publish.messages.push_back({"room:1", "news", R"({"n":1})", "id-1"});
    publish.messages.push_back({"room:2", "bytes", std::string("\0\xff", 2), "", true});
    return publish;
}

std::string refusal(const control::PublishMany& publish) {
    const auto read = control::decode_request(control::encode(control::Request{5, publish}));
    REQUIRE(!read);
    CHECK(read.error().id == 5);
    return std::get<control::Refused>(read.error().body).text;
}

}  // namespace

TEST_CASE("a publish of many messages comes back as it was") {
    auto publish = two_messages();
    publish.except = session;
    const control::Request request{9, publish};
    const auto read = control::decode_request(control::encode(request));
    REQUIRE(read);
    CHECK(*read == request);
    CHECK(publish.is_numbered());
}

TEST_CASE("messages for some have no number, and no id") {
    auto publish = two_messages();
    publish.messages[0].message_id.clear();
    publish.to = session;
    CHECK(!publish.is_numbered());
    REQUIRE(control::decode_request(control::encode(control::Request{9, publish})));

    publish.messages[0].message_id = "id-1";
    CHECK(refusal(publish) == "message_id is for messages to all the group");
    publish.scope = control::Scope::local;
    CHECK(refusal(publish) == "to names one session: it goes without except and scope");
    publish.to_user = "ann";
    CHECK(refusal(publish) == "to and to_user exclude each other");
}

TEST_CASE("the message that is wrong is named by its place") {
    auto publish = two_messages();
    publish.messages[1].topic.clear();
    CHECK(refusal(publish) == "message 2 of 2: topic must not be empty");
}

TEST_CASE("a request of many bytes is refused before they are copied") {
    control::PublishMany publish;
    publish.messages.assign(17, {"room:1", "news", std::string(1'000'000, 'x'), "", true});
    CHECK(refusal(publish).find("16000000 bytes") != std::string::npos);
}

TEST_CASE("a kick, and the answers") {
    const control::Request kick{3, control::Kick{session, true}};
    const auto read = control::decode_request(control::encode(kick));
    REQUIRE(read);
    CHECK(*read == kick);

    const control::Answer answers[] = {
        {3, control::Kicked{true}},
        {4, control::PublishedMany{2, {{"room:1", "", 3, false}, {"room:2", "p/1", 0, true}}}},
        {5, control::PublishedMany{}}};
    for (const auto& answer : answers) {
        const auto back = control::decode_answer(control::encode(answer));
        REQUIRE(back);
        CHECK(*back == answer);
    }
}
