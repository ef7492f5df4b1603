#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "proto/limits.hpp"
#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::string_literals;

namespace {

const Origin self{7, 2}, other{1, 0};
const std::string self_text = "0000000000000007.2";
const std::string other_text = "0000000000000001.0";

std::string join_text(std::string_view since, std::string_view topic = "room:a",
                      std::string_view ref = "3") {
    return "[\"" + std::string(ref) + "\",\"" + std::string(ref) + "\",\"" + std::string(topic) +
           R"(","phx_join",{"since":)" + std::string(since) + "}]";
}

std::string reply(const Positions& positions, bool is_recovered, std::size_t replayed,
                  bool is_truncated = false, std::string_view ref = "3") {
    return "[\"" + std::string(ref) + "\",\"" + std::string(ref) +
           R"(","room:a","phx_reply",{"response":{"positions":)" + positions_json(positions) +
           R"(,"recovered":)" + (is_recovered ? "true" : "false") + R"(,"replayed":)" +
           std::to_string(replayed) + (is_truncated ? R"(,"truncated":true)" : "") +
           R"(},"status":"ok"}])";
}

std::string at(const Origin& origin, std::uint64_t number, std::string_view payload = "{}") {
    return "[null,\"" + position_text(origin, number) + R"(","room:a","ev",)" +
           std::string(payload) + "]";
}

const std::string plain = R"([null,null,"room:a","ev",{}])";

struct Fixture : HubFixture {
    using HubFixture::HubFixture;

    // The ticket of the question what the channel has missed.
    Ticket asked() {
        REQUIRE_FALSE(outlet.resumes.empty());
        const Ticket ticket = outlet.resumes.back().ticket;
        outlet.resumes.pop_back();
        return ticket;
    }
    void hear(const Origin& origin, std::uint64_t number, std::string_view topic = "room:a",
              std::string_view payload = "{}", std::string_view id = {}) {
        hub.on_broadcast(made(origin, number, topic, payload, id), now);
    }
    void answer(Ticket ticket, Positions positions, std::vector<BroadcastRef> messages = {},
                bool is_recovered = true, Positions ahead = {}) {
        hub.on_resumed(
            ticket,
            Replay{std::move(positions), std::move(ahead), is_recovered, std::move(messages)}, now);
    }
    // A client whose channel has positions, and has missed nothing.
    SocketId positioned(Positions positions = {{self, 0}}) {
        const auto socket = open();
        say(socket, join_text("{}"));
        make_live();
        answer(asked(), positions);
        REQUIRE(heard(socket).size() == 1);
        return socket;
    }
};

}  // namespace

TEST_CASE("a join with since asks what was missed when its bucket is live, and then is answered") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text(R"({"0000000000000001.0":4})"));
    CHECK(f.outlet.resumes.empty());
    f.make_live();
    CHECK(f.heard(socket).empty());
    REQUIRE(f.outlet.resumes.size() == 1);
    CHECK(f.outlet.resumes[0].topic == "room:a");
    CHECK(f.outlet.resumes[0].since == Since{Positions{{other, 4}}});
    f.answer(f.asked(), {{self, 0}, {other, 4}}, {made(other, 5), made(other, 6)});
    CHECK(f.heard(socket) ==
          Texts{reply({{other, 4}, {self, 0}}, true, 2), at(other, 5), at(other, 6)});
    CHECK(f.hub.counters().deliveries == 2);
}

TEST_CASE("a join with since into a live bucket asks at once") {
    Fixture f;
    f.joined();
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    REQUIRE(f.outlet.resumes.size() == 1);
    CHECK(f.outlet.resumes[0].since == Since{SinceNow{}});
    f.answer(f.asked(), {{self, 9}}, {}, false);
    CHECK(f.heard(socket) == Texts{reply({{self, 9}}, false, 0)});
}

TEST_CASE("each of several clients that resume is told its own") {
    Fixture f;
    const auto one = f.open();
    const auto two = f.open();
    f.say(one, join_text(R"({"last":1})"));
    f.say(two, join_text(R"({"seconds":9})"));
    f.make_live();
    REQUIRE(f.outlet.resumes.size() == 2);
    CHECK(f.outlet.resumes[0].ticket != f.outlet.resumes[1].ticket);
    const auto second = f.asked();
    const auto first = f.asked();
    f.answer(second, {{other, 3}});
    f.answer(first, {{other, 2}}, {made(other, 3)});
    CHECK(f.heard(one) == Texts{reply({{other, 2}}, true, 1), at(other, 3)});
    CHECK(f.heard(two) == Texts{reply({{other, 3}}, true, 0)});
}

TEST_CASE("what is published while it is looked for what was missed comes after that, once") {
    Fixture f;
    const auto member = f.joined();
    const auto socket = f.open();
    f.say(socket, join_text(R"({"0000000000000001.0":4})"));
    f.hear(other, 6);
    f.hear(other, 7);
    f.hear({2, 0}, 1);
    f.hear(other, 1, "room:b");
    CHECK(f.heard(socket).empty());
    f.answer(f.asked(), {{other, 4}, {{2, 0}, 0}}, {made(other, 5), made(other, 6)});
    CHECK(f.heard(socket) == Texts{reply({{other, 4}, {{2, 0}, 0}}, true, 2), at(other, 5),
                                   at(other, 6), at(other, 7), at({2, 0}, 1)});
    CHECK(f.heard(member) == Texts{plain, plain, plain});
    f.hear(other, 8);
    CHECK(f.heard(socket) == Texts{at(other, 8)});
}

// Another shard of this node gives its message to the fabric first, and then to this shard.
TEST_CASE("what was told as missed is not told again when it arrives after that") {
    Fixture f;
    f.joined();
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    const Origin sister{7, 1};
    f.answer(f.asked(), {{sister, 4}}, {made(sister, 5)});
    f.hear(sister, 5);
    f.hear(sister, 6);
    CHECK(f.heard(socket) == Texts{reply({{sister, 4}}, true, 1), at(sister, 5), at(sister, 6)});
}

TEST_CASE("what was published before the place that is told is not told again") {
    Fixture f;
    f.joined();
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.hear(other, 6);
    f.hear(other, 7);
    f.answer(f.asked(), {{other, 6}});
    CHECK(f.heard(socket) == Texts{reply({{other, 6}}, true, 0), at(other, 7)});
}

TEST_CASE("a message of an origin that no position names is told when it comes") {
    Fixture f;
    f.joined();
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.hear(other, 1);
    f.answer(f.asked(), {{self, 0}});
    f.hear(other, 2);
    CHECK(f.heard(socket) == Texts{reply({{self, 0}}, true, 0), at(other, 1), at(other, 2)});
}

TEST_CASE("what this shard publishes meanwhile is told after what was missed as well") {
    Fixture f;
    const auto member = f.joined();
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.say(member, R"(["1","2","room:a","ev",{}])");
    f.say(member, R"(["1","3","room:a","ev",{}])");
    f.answer(f.asked(), {{self, 0}}, {made(self, 1)});
    CHECK(f.heard(socket) == Texts{reply({{self, 0}}, true, 1), at(self, 1), at(self, 2)});
}

TEST_CASE("broadcasts carry their positions to channels that want them, to others a null") {
    Fixture f;
    const auto plain_member = f.joined();
    const auto socket = f.positioned();
    f.hear(other, 17);
    CHECK(f.heard(socket) == Texts{at(other, 17)});
    CHECK(f.heard(plain_member) == Texts{plain});
    f.say(socket, R"(["3","4","room:a","ev",{"a": "x"}])");
    CHECK(f.heard(socket) == Texts{at(self, 1, R"({"a": "x"})"), R"(["3","4","room:a",)" + ok});
    CHECK(f.heard(plain_member) == Texts{R"([null,null,"room:a","ev",{"a": "x"}])"});
    CHECK(f.outlet.published[0]->position() == "0000000000000007.2/1");
}

TEST_CASE("with push=others a publisher's channel with positions is not told its own message") {
    Fixture f({{"*", JoinPolicy::open, PushPolicy::others, {}}});
    const auto one = f.positioned();
    const auto two = f.positioned();
    f.say(one, R"(["3","4","room:a","ev",{}])");
    CHECK(f.heard(one) == Texts{R"(["3","4","room:a",)" + ok});
    CHECK(f.heard(two) == Texts{at(self, 1)});
}

TEST_CASE("what a client knows already, from another node, it is not told again") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text(R"({"0000000000000001.0":9})"));
    f.make_live();
    f.hear(other, 7);
    f.answer(f.asked(), {{other, 9}}, {}, true, {{other, 9}});
    CHECK(f.heard(socket) == Texts{reply({{other, 9}}, true, 0)});
    f.hear(other, 8);
    f.hear(other, 9);
    f.hear({2, 0}, 3);
    CHECK(f.heard(socket) == Texts{at({2, 0}, 3)});
    f.hear(other, 10);
    f.hear(other, 11);
    CHECK(f.heard(socket) == Texts{at(other, 10), at(other, 11)});
}

TEST_CASE("being ahead is one channel's matter, and ends with the channel") {
    Fixture f;
    const auto ahead = f.open();
    f.say(ahead, join_text("{}"));
    f.make_live();
    f.answer(f.asked(), {{other, 9}}, {}, true, {{other, 9}});
    const auto behind = f.positioned();
    (void)f.heard(ahead);
    f.hear(other, 8);
    CHECK(f.heard(ahead).empty());
    CHECK(f.heard(behind) == Texts{at(other, 8)});
    f.hub.on_close(ahead);
    const auto next = f.positioned();  // takes the places of the one before
    f.hear(other, 9);
    CHECK(f.heard(next) == Texts{at(other, 9)});
}

TEST_CASE("too much that was missed is cut to its newest part, and that is said") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.make_live();
    std::vector<BroadcastRef> messages;
    for (std::uint64_t number = 1; number <= 50; ++number) {
        messages.push_back(made(number % 2 ? other : self, number));
    }
    f.answer(f.asked(), {{self, 0}, {other, 0}, {{2, 0}, 5}}, messages);
    const auto heard = f.heard(socket);
    const std::size_t told = heard.size() - 1;
    REQUIRE(told > 2);
    REQUIRE(told < 10);
    const std::uint64_t first = 50 - told + 1;
    const Positions positions{
        {first % 2 ? other : self, first - 2}, {first % 2 ? self : other, first - 1}, {{2, 0}, 5}};
    CHECK(heard[0] == reply(positions, false, told, true));
    for (std::size_t i = 0; i < told; ++i) {
        const auto number = first + i;
        CHECK(heard[i + 1] == at(number % 2 ? other : self, number));
    }
    CHECK(f.outlet.closes.empty());
}

TEST_CASE("one message that is too big to be told again leaves its place, and is not told") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.make_live();
    f.answer(f.asked(), {{other, 0}},
             {made(other, 1, "room:a", "{\"x\":\"" + std::string(900, 'x') + "\"}")});
    CHECK(f.heard(socket) == Texts{reply({{other, 1}}, false, 0, true)});
}

TEST_CASE("a bad since is refused with what would be right, and makes no channel") {
    Fixture f;
    const auto socket = f.joined("room:b");
    for (const auto* since : {"[]", "7", "\"now\"", R"({"last":-1})", R"({"x":1})", "true"}) {
        f.say(socket, join_text(since));
        const auto heard = f.heard(socket);
        REQUIRE(heard.size() == 1);
        CHECK(heard[0].starts_with(
            R"(["3","3","room:a","phx_reply",{"response":{"reason":"bad since: it must be)"));
        CHECK(heard[0].ends_with(R"("status":"error"}])"));
    }
    CHECK(f.hub.channels().channel_count() == 1);
    CHECK(f.outlet.wants.empty());
    CHECK(f.outlet.resumes.empty());
}

TEST_CASE("a bad since of a topic that is joined leaves the channel as it was") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, join_text("[]"));
    CHECK(f.heard(socket).size() == 1);
    f.hear(other, 1);
    CHECK(f.heard(socket) == Texts{plain});
}

TEST_CASE("without since, or with a null, a channel has no positions") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("null"));
    f.make_live();
    CHECK(f.outlet.resumes.empty());
    CHECK(f.heard(socket) == Texts{R"(["3","3","room:a",)" + ok});
    const auto nested = f.open();
    f.say(nested, R"(["3","3","room:a","phx_join",{"x":{"since":{}},"y":"\"since\""}])");
    CHECK(f.heard(nested) == Texts{R"(["3","3","room:a",)" + ok});
    f.hear(other, 1);
    CHECK(f.heard(nested) == Texts{plain});
}

TEST_CASE("a duplicate join with since closes the old channel, and the new one is answered later") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, join_text("{}", "room:a", "2"));
    CHECK(f.heard(socket) == Texts{R"(["1","1","room:a","phx_close",{}])"});
    f.hear(other, 5);
    CHECK(f.heard(socket).empty());
    f.answer(f.asked(), {{other, 4}});
    CHECK(f.heard(socket) == Texts{reply({{other, 4}}, true, 0, false, "2"), at(other, 5)});
    CHECK(f.hub.channels().channel_count() == 1);
    CHECK(f.outlet.releases.empty());
}

TEST_CASE("a duplicate join without since ends the positions") {
    Fixture f;
    const auto socket = f.positioned();
    f.say(socket, R"(["4","4","room:a","phx_join",{}])");
    CHECK(f.heard(socket) ==
          Texts{R"(["4","4","room:a",)" + ok, R"(["3","3","room:a","phx_close",{}])"});
    f.hear(other, 5);
    CHECK(f.heard(socket) == Texts{plain});
}

TEST_CASE("a duplicate join while the first one resumes is answered after it") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.make_live();
    const auto ticket = f.asked();
    f.say(socket, join_text("{}", "room:a", "4"));
    CHECK(f.outlet.resumes.empty());
    f.answer(ticket, {{other, 1}});
    CHECK(f.heard(socket) ==
          Texts{reply({{other, 1}}, true, 0), R"(["3","3","room:a","phx_close",{}])"});
    f.answer(f.asked(), {{other, 2}});
    CHECK(f.heard(socket) == Texts{reply({{other, 2}}, true, 0, false, "4")});
    CHECK(f.hub.channels().channel_count() == 1);
}

TEST_CASE("what a client says while it resumes is held, and answered after what it missed") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.make_live();
    f.say(socket, R"(["3","4","room:a","ev",{}])");
    f.say(socket, R"(["3","5","room:a","phx_leave",{}])");
    CHECK(f.heard(socket).empty());
    f.answer(f.asked(), {{other, 4}}, {made(other, 5)});
    CHECK(f.heard(socket) == Texts{reply({{other, 4}}, true, 1), at(other, 5), at(self, 1),
                                   R"(["3","4","room:a",)" + ok, R"(["3","5","room:a",)" + ok,
                                   R"(["3","3","room:a","phx_close",{}])"});
    CHECK(f.hub.channels().channel_count() == 0);
}

TEST_CASE("an answer to a client that is gone, or asked twice, changes nothing") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.make_live();
    const auto ticket = f.asked();
    f.hub.on_close(socket);
    CHECK(f.outlet.releases.size() == 1);
    const auto next = f.open();
    CHECK(next == socket);
    f.answer(ticket, {{other, 4}}, {made(other, 5)});
    CHECK(f.heard(next).empty());

    f.say(next, join_text("{}"));
    f.make_live();
    const auto again = f.asked();
    CHECK(again != ticket);
    f.answer(again, {{other, 4}});
    f.answer(again, {{other, 9}}, {made(other, 10)});
    CHECK(f.heard(next) == Texts{reply({{other, 4}}, true, 0)});
}

TEST_CASE("a client for which too much is collected while it resumes is closed with 1013") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.make_live();
    const auto message = made(other, 1);
    for (std::size_t i = 0; i <= limits::collected_max; ++i) f.hub.on_broadcast(message, f.now);
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{socket, CloseCode::try_later}});
    CHECK(f.hub.channels().channel_count() == 0);
    f.answer(f.asked(), {{other, 1}});
    CHECK(f.heard(socket).empty());
}

TEST_CASE("a gap is told to the channels with positions of its bucket, and to no others") {
    Fixture f;
    const auto plain_member = f.joined();
    const auto socket = f.positioned();
    const auto elsewhere = f.open();
    f.say(elsewhere, join_text("{}", "room:b"));
    f.make_live();
    f.answer(f.asked(), {{self, 0}});
    (void)f.heard(elsewhere);
    f.hub.on_gap({other, bucket_of("room:a"), 3, 5});
    CHECK(f.heard(socket) == Texts{R"([null,"0000000000000001.0/5","room:a","roost:gap",)"
                                   R"({"origin":"0000000000000001.0","from":3,"to":5}])"});
    CHECK(f.heard(plain_member).empty());
    CHECK(f.heard(elsewhere).empty());
}

TEST_CASE("a push with a roost_id shows once, and its repetition is answered as a duplicate") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["1","2","room:a","ev",{"roost_id":"x","a":1}])");
    CHECK(f.heard(socket) == Texts{R"([null,null,"room:a","ev",{"roost_id":"x","a":1}])",
                                   R"(["1","2","room:a",)" + ok});
    f.say(socket, R"(["1","3","room:a","ev",{"a":2,"roost_id":"\u0078"}])");
    CHECK(f.heard(socket) ==
          Texts{R"(["1","3","room:a","phx_reply",{"response":{"duplicate":true},"status":"ok"}])"});
    REQUIRE(f.outlet.published.size() == 1);
    CHECK(f.outlet.published[0]->id() == "x");
    CHECK(f.hub.counters().deduplicated == 1);
    f.say(socket, R"(["1","4","room:a","ev",{"roost_id":"y"}])");
    CHECK(f.outlet.published.size() == 2);
}

TEST_CASE("an id counts within its topic, and for a window of time") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["2","2","room:b","phx_join",{}])");
    f.make_live();
    f.say(socket, R"(["1","3","room:a","ev",{"roost_id":"x"}])");
    f.say(socket, R"(["2","4","room:b","ev",{"roost_id":"x"}])");
    CHECK(f.outlet.published.size() == 2);
    f.now += std::chrono::seconds(120);
    f.say(socket, R"(["1","5","room:a","ev",{"roost_id":"x"}])");
    CHECK(f.outlet.published.size() == 3);
}

TEST_CASE(
    "an id that is none is refused, and one elsewhere than in the payload's own keys is not") {
    Fixture f;
    const auto socket = f.joined();
    const std::string too_long(limits::message_id_bytes_max + 1, 'x');
    for (const auto& id : {"7"s, "null"s, "{}"s, "\"\""s, '"' + too_long + '"'}) {
        f.say(socket, R"(["1","2","room:a","ev",{"roost_id":)" + id + "}]");
        CHECK(f.heard(socket) == Texts{R"(["1","2","room:a",)" +
                                       error("roost_id must be a string of 1 to 128 bytes")});
    }
    CHECK(f.outlet.published.empty());
    f.say(socket, R"(["1","3","room:a","ev",{"a":{"roost_id":7}}])");
    f.say(socket, R"(["1","4","room:a","ev",{"roost_id":")" + too_long.substr(1) + "\"}]");
    REQUIRE(f.outlet.published.size() == 2);
    CHECK(f.outlet.published[0]->id().empty());
    CHECK(f.outlet.published[1]->id().size() == 128);
}

TEST_CASE("a message that was repeated on another node shows once") {
    Fixture f;
    const auto socket = f.joined();
    f.hear(other, 1, "room:a", "{}", "x");
    f.hear({2, 0}, 1, "room:a", "{}", "x");
    CHECK(f.heard(socket) == Texts{plain});
    CHECK(f.hub.counters().deduplicated == 1);
    f.say(socket, R"(["1","2","room:a","ev",{"roost_id":"x"}])");
    CHECK(f.heard(socket) ==
          Texts{R"(["1","2","room:a","phx_reply",{"response":{"duplicate":true},"status":"ok"}])"});
}

TEST_CASE("a repeated message that does not show tells its position to who wants positions") {
    Fixture f;
    const auto plain_member = f.joined();
    const auto socket = f.positioned();
    f.hear(other, 1, "room:a", "{}", "x");
    f.hear({2, 0}, 1, "room:a", "{}", "x");
    CHECK(f.heard(socket) ==
          Texts{at(other, 1), R"([null,"0000000000000002.0/1","room:a","roost:duplicate",{}])"});
    CHECK(f.heard(plain_member) == Texts{plain});
}

TEST_CASE("a message that was told as missed does not show again when its publisher repeats it") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, join_text("{}"));
    f.make_live();
    f.answer(f.asked(), {{other, 0}}, {made(other, 1, "room:a", "{}", "x")});
    (void)f.heard(socket);
    f.hear({2, 0}, 1, "room:a", "{}", "x");
    const auto heard = f.heard(socket);
    CHECK(std::count(heard.begin(), heard.end(), at({2, 0}, 1)) == 0);
}
