#include "daemon/core/hub.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/limits.hpp"
#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("a join is answered when its bucket is live, and not before") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, join_a);
    CHECK(f.heard(socket).empty());
    REQUIRE(f.outlet.wants.size() == 1);
    CHECK(f.outlet.wants[0].first == bucket_of("room:a"));
    f.make_live();
    CHECK(f.heard(socket) == Texts{R"(["3","3","room:a",)" + ok});
    CHECK(f.hub.counters().joins == 1);
}

TEST_CASE("a join into a live bucket waits for nothing and asks nobody") {
    HubFixture f;
    f.joined();
    const auto second = f.open();
    f.say(second, join_a);
    CHECK(f.outlet.wants.empty());
    CHECK(f.heard(second) == Texts{R"(["3","3","room:a",)" + ok});
}

TEST_CASE("a late answer to an earlier wish completes no join") {
    HubFixture f;
    const auto first = f.open();
    f.say(first, join_a);
    const auto [bucket, ticket] = f.outlet.wants.at(0);
    f.hub.on_close(first);
    CHECK(f.outlet.releases == std::vector<Bucket>{bucket});
    const auto second = f.open();
    f.say(second, join_a);
    f.hub.on_live(bucket, ticket, f.now);
    CHECK(f.heard(second).empty());
    f.make_live();
    CHECK(f.heard(second).size() == 1);
}

TEST_CASE("what a client says to a topic while it joins is held, and answered in order after it") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, join_a);
    f.say(socket, R"(["3","4","room:a","one",{}])");
    f.say(socket, R"([null,"5","phoenix","heartbeat",{}])");
    f.say(socket, R"(["3","6","room:a","two",{}])");
    CHECK(f.heard(socket) == Texts{R"([null,"5","phoenix",)" + ok});
    CHECK(f.outlet.published.empty());
    f.make_live();
    CHECK(f.heard(socket) == Texts{R"(["3","3","room:a",)" + ok, R"([null,null,"room:a","one",{}])",
                                   R"(["3","4","room:a",)" + ok, R"([null,null,"room:a","two",{}])",
                                   R"(["3","6","room:a",)" + ok});
}

TEST_CASE("a leave and a new join that are held end in one joined channel") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, join_a);
    f.say(socket, R"(["3","4","room:a","phx_leave",{}])");
    f.say(socket, R"(["5","5","room:a","phx_join",{}])");
    f.say(socket, R"(["5","6","room:a","ev",{}])");
    f.make_live();
    f.make_live();
    CHECK(f.heard(socket) == Texts{R"(["3","3","room:a",)" + ok, R"(["3","4","room:a",)" + ok,
                                   R"(["3","3","room:a","phx_close",{}])",
                                   R"(["5","5","room:a",)" + ok, R"([null,null,"room:a","ev",{}])",
                                   R"(["5","6","room:a",)" + ok});
    CHECK(f.hub.channels().channel_count() == 1);
}

TEST_CASE("a client that says too much while it joins is closed with 1008") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, join_a);
    for (std::size_t i = 0; i < limits::held_frames_max; ++i) {
        f.say(socket, R"(["3","4","room:a","ev",{}])");
    }
    CHECK(f.outlet.closes.empty());
    f.say(socket, R"(["3","4","room:a","ev",{}])");
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{socket, CloseCode::policy}});
    CHECK(f.outlet.facts[FactKind::client_closed_held] == 1);
}

TEST_CASE("a duplicate join answers the new channel first and then closes the old one") {
    HubFixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["2","2","room:a","phx_join",{}])");
    CHECK(f.heard(socket) ==
          Texts{R"(["2","2","room:a",)" + ok, R"(["1","1","room:a","phx_close",{}])"});
    f.say(socket, R"(["2","3","room:a","ev",{}])");
    CHECK(f.heard(socket) ==
          Texts{R"([null,null,"room:a","ev",{}])", R"(["2","3","room:a",)" + ok});
    f.say(socket, R"(["1","4","room:a","ev",{}])");
    CHECK(f.heard(socket) == Texts{R"(["1","4","room:a",)" + error("stale")});
    CHECK(f.outlet.releases.empty());
}

TEST_CASE("a leave is answered by a reply and a close, and ends the channel") {
    HubFixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["1","8","room:a","phx_leave",{}])");
    CHECK(f.heard(socket) ==
          Texts{R"(["1","8","room:a",)" + ok, R"(["1","1","room:a","phx_close",{}])"});
    CHECK(f.outlet.releases == std::vector<Bucket>{bucket_of("room:a")});
    f.hub.on_broadcast(made({1, 0}, 1), f.now);
    CHECK(f.heard(socket).empty());
}

TEST_CASE("a leave with a null join_ref leaves, a stale one does not") {
    HubFixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["0","7","room:a","phx_leave",{}])");
    (void)f.heard(socket);
    CHECK(f.hub.channels().channel_count() == 1);
    f.say(socket, R"([null,"8","room:a","phx_leave",{}])");
    CHECK(f.heard(socket).back() == R"(["1","1","room:a","phx_close",{}])");
    CHECK(f.hub.channels().channel_count() == 0);
}

TEST_CASE("a leave of a topic that is not joined is answered ok, without a close") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, R"(["4","5","room:a","phx_leave",{}])");
    CHECK(f.heard(socket) == Texts{R"(["4","5","room:a",)" + ok});
}

TEST_CASE("a push with a join_ref of another type or value is answered stale") {
    HubFixture f;
    const auto socket = f.joined();
    f.say(socket, R"([1,"4","room:a","ev",{}])");
    f.say(socket, R"(["2","5","room:a","ev",{}])");
    CHECK(f.heard(socket) ==
          Texts{R"([1,"4","room:a",)" + error("stale"), R"(["2","5","room:a",)" + error("stale")});
    CHECK(f.outlet.published.empty());
    f.say(socket, R"([null,"6","room:a","ev",{}])");
    CHECK(f.outlet.published.size() == 1);
}

TEST_CASE("what no rule matches and what is not joined is an unmatched topic") {
    HubFixture f({{"room:*", JoinPolicy::open, PushPolicy::broadcast, {}}});
    const auto socket = f.open();
    const std::vector<std::pair<std::string, std::string>> cases = {
        {R"(["1","1","lobby","phx_join",{}])", R"([null,"1","lobby",)"},
        {R"(["1","2","room:a","ev",{}])", R"([null,"2","room:a",)"},
        {R"(["1","3","room:a","phx_close",{}])", R"([null,"3","room:a",)"},
        {R"(["1",4,42,"phx_join",{}])", R"([null,4,42,)"},
        {R"(["1",{"o":1},null,"ev",{}])", R"([null,{"o":1},null,)"},
        {R"(["1","5","phoenix","phx_join",{}])", R"([null,"5","phoenix",)"},
        {R"(["1","6","phoenix","ev",{}])", R"([null,"6","phoenix",)"},
    };
    for (const auto& [text, head] : cases) {
        f.say(socket, text);
        CHECK(f.heard(socket) == Texts{head + error("unmatched topic")});
    }
    CHECK(f.outlet.wants.empty());
}

TEST_CASE("a connection has its most channels, and a duplicate join does not count") {
    HubFixture f;
    const auto socket = f.open();
    for (const auto* topic : {"a", "b", "c"}) {
        f.say(socket, R"(["1","1",")" + std::string(topic) + R"(","phx_join",{}])");
    }
    f.make_live();
    CHECK(f.heard(socket).size() == 3);
    f.say(socket, R"(["4","4","d","phx_join",{}])");
    CHECK(f.heard(socket) == Texts{R"(["4","4","d",)" + error("too many channels joined")});
    f.say(socket, R"(["5","5","c","phx_join",{}])");
    CHECK(f.heard(socket).front() == R"(["5","5","c",)" + ok);
    f.say(socket, R"(["1","6","a","phx_leave",{}])");
    f.say(socket, R"(["7","7","d","phx_join",{}])");
    f.make_live();
    CHECK(f.heard(socket).back() == R"(["7","7","d",)" + ok);
}

TEST_CASE("a broadcast reaches its publisher before the reply, and every other member") {
    HubFixture f;
    const auto one = f.joined();
    const auto two = f.joined();
    const auto other = f.joined("room:b");
    f.say(one, R"(["1","2","room:a","new_msg", {"body": "hi"} ])");
    CHECK(f.heard(one) ==
          Texts{R"([null,null,"room:a","new_msg",{"body": "hi"}])", R"(["1","2","room:a",)" + ok});
    CHECK(f.heard(two) == Texts{R"([null,null,"room:a","new_msg",{"body": "hi"}])"});
    CHECK(f.heard(other).empty());
    REQUIRE(f.outlet.published.size() == 1);
    CHECK(f.outlet.published[0]->origin() == Origin{7, 2});
    CHECK(f.outlet.published[0]->number() == 1);
    CHECK(f.hub.counters().deliveries == 2);
}

TEST_CASE("a broadcast from elsewhere reaches the members and is not published again") {
    HubFixture f;
    const auto socket = f.joined();
    f.hub.on_broadcast(made({1, 0}, 1), f.now);
    f.hub.on_broadcast(made({1, 0}, 1, "room:none"), f.now);
    CHECK(f.heard(socket) == Texts{R"([null,null,"room:a","ev",{}])"});
    CHECK(f.outlet.published.empty());
}

TEST_CASE("a channel that is joining is sent no broadcast before its reply") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, join_a);
    f.hub.on_broadcast(made({1, 0}, 1), f.now);
    CHECK(f.heard(socket).empty());
}

TEST_CASE("with push=others a message is not sent back to its publisher") {
    HubFixture f({{"*", JoinPolicy::open, PushPolicy::others, {}}});
    const auto one = f.joined();
    const auto two = f.joined();
    f.say(one, R"(["1","2","room:a","ev",{}])");
    CHECK(f.heard(one) == Texts{R"(["1","2","room:a",)" + ok});
    CHECK(f.heard(two) == Texts{R"([null,null,"room:a","ev",{}])"});
    CHECK(f.outlet.published.size() == 1);
    CHECK(f.hub.counters().deliveries == 1);
}

TEST_CASE("denied joins and pushes, and payloads that are no objects, are refused in a reply") {
    HubFixture f({{"secret:*", JoinPolicy::deny, PushPolicy::deny, {}},
                  {"news:*", JoinPolicy::open, PushPolicy::deny, {}},
                  {"*", JoinPolicy::open, PushPolicy::broadcast, {}}});
    const auto socket = f.joined("news:a");
    f.say(socket, R"(["2","2","secret:a","phx_join",{}])");
    CHECK(f.heard(socket) == Texts{R"(["2","2","secret:a",)" + error("join denied")});
    CHECK(f.outlet.facts[FactKind::join_refused] == 1);
    f.say(socket, R"(["1","3","news:a","ev",{}])");
    CHECK(f.heard(socket) == Texts{R"(["1","3","news:a",)" + error("push denied")});
    const auto other = f.joined();
    for (const auto* payload : {"null", "[1,2]", "\"str\"", "7"}) {
        f.say(other, R"(["1","4","room:a","ev",)" + std::string(payload) + "]");
        CHECK(f.heard(other) ==
              Texts{R"(["1","4","room:a",)" + error("payload must be an object")});
    }
    CHECK(f.outlet.published.empty());
}

TEST_CASE("a join with a null join_ref is answered with its ref, and closed with null") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, R"([null,"9","room:a","phx_join",{}])");
    f.make_live();
    CHECK(f.heard(socket) == Texts{R"(["9","9","room:a",)" + ok});
    f.say(socket, R"(["9","10","room:a","ev",{}])");
    CHECK(f.heard(socket) == Texts{R"(["9","10","room:a",)" + error("stale")});
    f.say(socket, R"([null,"11","room:a","phx_leave",{}])");
    CHECK(f.heard(socket).back() == R"([null,null,"room:a","phx_close",{}])");
}

// Phoenix: the server uses ref as join_ref in replies.
TEST_CASE("a push to a channel that joined with null is answered with the join's ref") {
    HubFixture f;
    const auto socket = f.open();
    f.say(socket, R"([null,"9","room:a","phx_join",{}])");
    f.make_live();
    (void)f.heard(socket);
    f.say(socket, R"([null,"10","room:a","ev",{}])");
    CHECK(f.heard(socket).back() == R"(["9","10","room:a",)" + ok);
}

TEST_CASE("a bad frame is answered, the tenth closes with 1008, and then nothing is read") {
    HubFixture f;
    const auto socket = f.joined();
    for (unsigned i = 1; i < limits::bad_frames_max; ++i) {
        f.say(socket, "{}");
        CHECK(f.heard(socket) ==
              Texts{R"([null,null,"phoenix","phx_error",{"reason":"frame is not an array"}])"});
    }
    CHECK(f.outlet.closes.empty());
    f.say(socket, "[1,");
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{socket, CloseCode::policy}});
    f.say(socket, R"(["1","2","room:a","ev",{}])");
    CHECK(f.outlet.published.empty());
}

TEST_CASE("a client that was closed for bad frames is counted once, whatever it still sends") {
    HubFixture f;
    const auto socket = f.open();
    for (int i = 0; i < 300; ++i) f.hub.on_binary(socket, "", f.now);
    CHECK(f.outlet.closes.size() == 1);
    CHECK(f.outlet.facts[FactKind::client_closed_bad_frames] == 1);
}

TEST_CASE("a text that is not UTF-8 closes with 1007 at once") {
    HubFixture f;
    const auto socket = f.joined();
    f.say(socket, "[\"1\",\"2\",\"room:a\",\"ev\",{\"a\":\"\xff\"}]");
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{socket, CloseCode::not_utf8}});
}

TEST_CASE("a silent client is pinged once at half of the idle time and closed at its end") {
    HubFixture f;
    const auto socket = f.open();
    f.run_for(29s);
    CHECK(f.heard(socket).empty());
    f.run_for(3s);
    CHECK(f.heard(socket) == Texts{"ping"});
    f.run_for(27s);
    CHECK(f.heard(socket).empty());
    CHECK(f.outlet.closes.empty());
    f.run_for(3s);
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{socket, CloseCode::going_away}});
    CHECK(f.outlet.facts[FactKind::client_closed_idle] == 1);
    CHECK(f.hub.next_deadline() > f.now);
}

TEST_CASE("a client that answers its pings is not closed, and what it is sent does not count") {
    HubFixture f;
    const auto quiet = f.joined();
    const auto answers = f.joined();
    for (int i = 0; i < 100; ++i) {
        f.run_for(1s);
        f.hub.on_broadcast(made({1, 0}, 1), f.now);
        f.hub.flush();
        if (f.outlet.closes.size() == 1 && f.outlet.closes[0].first == quiet) break;
        auto& sent = f.sink.sent[answers];
        if (std::count(sent.begin(), sent.end(), "ping") > 0) f.hub.on_pong(answers, f.now);
        sent.clear();
    }
    f.hub.on_close(quiet);
    for (int i = 0; i < 200; ++i) {
        f.run_for(1s);
        const auto heard = f.heard(answers);
        if (std::count(heard.begin(), heard.end(), "ping") > 0) f.hub.on_pong(answers, f.now);
    }
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{quiet, CloseCode::going_away}});
}

TEST_CASE("after any frame, binary ones too, a silence begins anew with its own ping") {
    for (const bool is_binary : {false, true}) {
        CAPTURE(is_binary);
        HubFixture f;
        const auto socket = f.open();
        f.run_for(35s);
        CHECK(f.heard(socket) == Texts{"ping"});
        if (is_binary) {
            f.hub.on_binary(socket, "", f.now);
        } else {
            f.say(socket, R"([null,"1","phoenix","heartbeat",{}])");
        }
        (void)f.heard(socket);
        f.run_for(35s);
        CHECK(f.heard(socket) == Texts{"ping"});
        CHECK(f.outlet.closes.empty());
    }
}

TEST_CASE("a client that does not read is closed with 1013, once") {
    HubFixture f;
    const auto socket = f.joined();
    f.sink.slow.insert(socket);
    for (std::uint64_t i = 1; i < 60; ++i) {
        f.hub.on_broadcast(made({1, 0}, i), f.now);
        f.hub.flush();
    }
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{socket, CloseCode::try_later}});
    CHECK(f.outlet.facts[FactKind::client_closed_slow] == 1);
}

TEST_CASE("a node that goes closes its clients with 1012, so many at a time") {
    HubFixture f;
    std::vector<SocketId> sockets;
    for (int i = 0; i < 3; ++i) sockets.push_back(f.joined());
    CHECK_FALSE(f.hub.hand_over(2));
    REQUIRE(f.outlet.closes.size() == 2);
    CHECK_FALSE(f.hub.hand_over(2));
    REQUIRE(f.outlet.closes.size() == 3);
    for (const auto& [socket, code] : f.outlet.closes) CHECK(code == CloseCode::restarting);
    for (const auto socket : sockets) f.hub.on_close(socket);
    CHECK(f.hub.hand_over(2));
    CHECK(f.hub.connection_count() == 0);
    CHECK(f.hub.channels().channel_count() == 0);
}

TEST_CASE("a client that comes while the node hands over is handed over too") {
    HubFixture f;
    const auto first = f.open();
    const auto second = f.open();
    CHECK_FALSE(f.hub.hand_over(1));
    f.hub.on_close(first);
    const auto late = f.open();
    for (int i = 0; i < 5; ++i) (void)f.hub.hand_over(10);
    std::set<SocketId> closed;
    for (const auto& [socket, code] : f.outlet.closes) closed.insert(socket);
    CHECK(closed.contains(second));
    CHECK(f.outlet.closes.size() == 3);
    f.hub.on_close(second);
    f.hub.on_close(late);
    CHECK(f.hub.hand_over(10));
}

TEST_CASE("a connection's place is taken again without anything of the one before") {
    HubFixture f;
    const auto old = f.joined();
    f.hub.on_broadcast(made({1, 0}, 1), f.now);
    f.hub.on_close(old);
    CHECK(f.outlet.releases == std::vector<Bucket>{bucket_of("room:a")});
    const auto fresh = f.open();
    CHECK(fresh == old);
    CHECK(f.heard(fresh).empty());
    CHECK(f.hub.channels().of_socket(fresh).empty());
}

TEST_CASE("a message that is too big closes its connection with 1009, once") {
    HubFixture f;
    const auto socket = f.joined();
    f.hub.on_too_big(socket);
    f.hub.on_too_big(socket);
    CHECK(f.outlet.closes ==
          std::vector<std::pair<SocketId, CloseCode>>{{socket, CloseCode::too_big}});
}

TEST_CASE("an event of the protocol's own is not broadcast: it would close the others' channels") {
    HubFixture f;
    const auto other = f.joined();
    const auto socket = f.joined();
    const auto heard = f.heard(other).size();
    f.say(socket, R"(["1","2","room:a","phx_close",{}])");
    f.hub.flush();
    CHECK(f.heard(other).size() == heard);
    CHECK(f.heard(socket).back().find("reserved event") != std::string::npos);
}
