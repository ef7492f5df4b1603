// Clients of different wires on one topic.
#include <catch2/catch.hpp>
#include <string>

#include "proto/client_binary.hpp"
#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::string_literals;

namespace {

const std::string v1_ok =
    R"({"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"1","topic":"room:a"})";
const std::string binary_push = "\x00\x01\x01\x06\x03"s + "12room:aimg" + "\x01\x02\x03";

struct Fixture : HubFixture {
    using HubFixture::HubFixture;

    SocketId joined_v1() {
        const auto socket = open(Wire::v1);
        say(socket, R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1"})");
        make_live();
        REQUIRE(heard(socket) == Texts{v1_ok});
        return socket;
    }
    void send_binary(SocketId socket, std::string_view bytes) { hub.on_binary(socket, bytes, now); }
};

}  // namespace

TEST_CASE("a message reaches every wire in its own shape") {
    Fixture f;
    const auto v1 = f.joined_v1(), v2 = f.joined();
    f.say(v2, R"(["1","2","room:a","new_msg",{"b":1}])");
    const std::string v2_frame = R"([null,null,"room:a","new_msg",{"b":1}])";
    CHECK(f.heard(v1) ==
          Texts{R"({"event":"new_msg","payload":{"b":1},"ref":null,"topic":"room:a"})"});
    CHECK(f.heard(v2) == Texts{v2_frame, R"(["1","2","room:a",)" + ok});

    f.say(v1, R"({"topic":"room:a","event":"new_msg","payload":{"b":2},"ref":"9"})");
    CHECK(f.heard(v2) == Texts{R"([null,null,"room:a","new_msg",{"b":2}])"});
    CHECK(
        f.heard(v1).back() ==
        R"({"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"9","topic":"room:a"})");
}

TEST_CASE("bytes reach those who read bytes as they are, and others as base64") {
    Fixture f;
    const auto v1 = f.joined_v1(), v2 = f.joined();
    f.send_binary(v2, binary_push);
    CHECK(f.heard(v2) == Texts{"bytes \x02\x06\x03"s + "room:aimg" + "\x01\x02\x03",
                               R"(["1","2","room:a",)" + ok});
    CHECK(f.heard(v1) ==
          Texts{R"({"event":"img","payload":{"base64":"AQID"},"ref":null,"topic":"room:a"})"});
    REQUIRE(f.outlet.published.size() == 1);
    CHECK(f.outlet.published[0]->payload() == "\x01\x02\x03");
}

TEST_CASE("a channel with positions is told the place of bytes behind them") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, R"(["1","1","room:a","phx_join",{"since":{}}])");
    f.make_live();
    REQUIRE(f.outlet.resumes.size() == 1);
    f.hub.on_resumed(f.outlet.resumes[0].ticket, {}, f.now);
    f.heard(socket);
    const auto broadcast = Broadcast::encode({9, 1}, 4, {"room:a", "img", "\x01\x02", "", true});
    f.hub.on_broadcast(broadcast, f.now);
    CHECK(f.heard(socket) ==
          Texts{"bytes \x02\x06\x03"s + "room:aimg" + "\x01\x02",
                R"([null,"0000000000000009.1/4","room:a","roost:position",{}])"});
}

TEST_CASE("a heartbeat, a join and a leave may be binary frames") {
    Fixture f;
    const auto socket = f.open();
    f.send_binary(socket, "\x00\x00\x01\x07\x09"s + "7phoenixheartbeat");
    CHECK(f.heard(socket) == Texts{R"([null,"7","phoenix",)" + ok});
    // Bytes that look like parameters are none.
    f.send_binary(socket, "\x00\x01\x01\x06\x08"s + "11room:aphx_join" + R"({"since":7})");
    f.make_live();
    CHECK(f.heard(socket) == Texts{R"(["1","1","room:a",)" + ok});
    f.send_binary(socket, "\x00\x01\x01\x06\x09"s + "12room:aphx_leave");
    CHECK(f.heard(socket) ==
          Texts{R"(["1","2","room:a",)" + ok, R"(["1","1","room:a","phx_close",{}])"});
}

TEST_CASE("bytes that are said while a join waits are said when it is answered") {
    Fixture f;
    const auto socket = f.open();
    f.say(socket, R"(["1","1","room:a","phx_join",{}])");
    f.send_binary(socket, binary_push);
    CHECK(f.heard(socket).empty());
    f.make_live();
    const auto heard = f.heard(socket);
    REQUIRE(heard.size() == 3);
    CHECK(heard[1].starts_with("bytes "));
}

TEST_CASE("a binary push with an empty join_ref is stale, and that is said") {
    Fixture f;
    const auto socket = f.joined();
    f.send_binary(socket, "\x00\x00\x01\x06\x03"s + "2room:aimg" + "\x01");
    CHECK(f.heard(socket) == Texts{R"(["","2","room:a",)" + error("stale")});
}

TEST_CASE(
    "a bad binary frame, or one that its wire has not, is answered, and the connection lives") {
    Fixture f;
    const auto v2 = f.joined(), v1 = f.joined_v1();
    f.send_binary(v2, "\x01");
    CHECK(f.heard(v2) ==
          Texts{R"([null,null,"phoenix","phx_error",{"reason":"binary frame is not a push"}])"});
    f.send_binary(v1, binary_push);
    CHECK(f.heard(v1) ==
          Texts{R"({"event":"phx_error","payload":{"reason":"binary frames need a WebSocket with )"
                R"(vsn=2.0.0"},"ref":null,"topic":"phoenix"})"});
    CHECK(f.outlet.closes.empty());
    CHECK(f.outlet.published.empty());
}

TEST_CASE("v1: a leave is answered and closes, with the ref that the join had") {
    Fixture f;
    const auto socket = f.joined_v1();
    f.say(socket, R"({"topic":"room:a","event":"phx_leave","payload":{},"ref":"2"})");
    CHECK(
        f.heard(socket) ==
        Texts{
            R"({"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"2","topic":"room:a"})",
            R"({"event":"phx_close","payload":{},"ref":"1","topic":"room:a"})"});
}

TEST_CASE("v1: a second join is answered, and no close is sent that would end it") {
    Fixture f;
    const auto socket = f.joined_v1();
    f.say(socket, R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"2"})");
    CHECK(f.heard(socket).size() == 1);
    CHECK(f.hub.channels().channel_count() == 1);
}

TEST_CASE("a topic whose last odd member is gone serves the others as before") {
    Fixture f;
    const auto v1 = f.joined_v1(), v2 = f.joined();
    f.hub.on_close(v1);
    const auto& topic = f.hub.channels().topic(*f.hub.channels().find_topic("room:a"));
    CHECK(topic.varied_count == 0);
    f.send_binary(v2, binary_push);
    CHECK(f.heard(v2).size() == 2);
}
