// What one connection may do, and how often.
#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

struct Fixture : HubFixture {
    explicit Fixture(const HubLimits& limits) : limited({7, 2}, rules, limits, outlet, sink) {}

    SocketId open() { return limited.on_open(Wire::v2, now); }
    std::string ask(SocketId socket, std::string_view text) {
        limited.on_text(socket, text, now);
        limited.flush();
        const auto heard = std::exchange(sink.sent[socket], {});
        return heard.empty() ? "" : heard.back();
    }
    std::string beat(SocketId socket) {
        return ask(socket, R"([null,"9","phoenix","heartbeat",{}])");
    }

    Hub limited;
};

HubLimits with_rates(std::uint32_t joins, std::uint32_t messages) {
    HubLimits limits = small_limits();
    limits.joins_max = joins;
    limits.messages_max = messages;
    return limits;
}

const std::string beaten = R"([null,"9","phoenix",)" + ok;

}  // namespace

TEST_CASE("messages beyond the rate are refused, and taken again after a while") {
    Fixture f(with_rates(100, 2));
    const auto socket = f.open(), other = f.open();
    CHECK(f.beat(socket) == beaten);
    CHECK(f.beat(socket) == beaten);
    CHECK(f.beat(socket) == R"([null,"9","phoenix",)" + error("too many messages a second"));
    CHECK(f.outlet.facts[FactKind::client_rate_limited] == 1);
    CHECK(f.beat(other) == beaten);
    f.now += std::chrono::milliseconds(500);
    CHECK(f.beat(socket) == beaten);
    CHECK(f.outlet.closes.empty());
}

TEST_CASE("joins have a rate of their own, with room for all channels at once") {
    Fixture f(with_rates(1, 2));
    const auto socket = f.open();
    for (const char* ref : {"1", "2", "3", "4"}) {  // one a second, and three channels
        const std::string r = ref;
        const auto answer =
            f.ask(socket, R"([")" + r + R"(",")" + r + R"(","t)" + r + R"(","phx_join",{}])");
        CHECK(answer.find("too many joins a second") == std::string::npos);
    }
    CHECK(f.ask(socket, R"(["5","5","t1","phx_join",{}])") ==
          R"(["5","5","t1",)" + error("too many joins a second"));
    CHECK(f.beat(socket) == beaten);
}

TEST_CASE("who pays no heed to refusals is closed") {
    Fixture f(with_rates(100, 1));
    const auto socket = f.open();
    for (unsigned i = 0; i < limits::refused_in_a_row_max; ++i) f.beat(socket);
    CHECK(f.outlet.closes.empty());
    f.beat(socket);
    REQUIRE(f.outlet.closes.size() == 1);
    CHECK(f.outlet.closes[0].second == CloseCode::policy);
}

TEST_CASE("who goes on at twice the rate is closed, although every other message is taken") {
    Fixture f(with_rates(100, 100));
    const auto socket = f.open();
    unsigned said = 0;
    for (; f.outlet.closes.empty() && said < 3 * limits::refused_in_a_row_max; ++said) {
        f.beat(socket);
        f.now += std::chrono::milliseconds(5);
    }
    REQUIRE(f.outlet.closes.size() == 1);
    CHECK(said > 2 * limits::refused_in_a_row_max - 10);
}

TEST_CASE("a pause makes good what was refused before") {
    Fixture f(with_rates(100, 1));
    const auto socket = f.open();
    for (int round = 0; round < 3; ++round) {
        for (unsigned i = 0; i < limits::refused_in_a_row_max; ++i) f.beat(socket);
        f.now += std::chrono::seconds(1);
    }
    CHECK(f.outlet.closes.empty());
}

TEST_CASE("topics and events have the lengths that the operator allows") {
    HubLimits limits = small_limits();
    limits.topic_bytes_max = 10;
    limits.event_bytes_max = 9;
    Fixture f(limits);
    const auto socket = f.open();
    CHECK(f.ask(socket, R"(["1","1","12345678901","phx_join",{}])") ==
          R"(["1","1","12345678901",)" + error("topic is too long"));
    f.ask(socket, R"(["1","1","1234567890","phx_join",{}])");
    CHECK(f.limited.channels().channel_count() == 1);
    CHECK(f.ask(socket, R"(["1","2","1234567890","1234567890",{}])") ==
          R"(["1","2","1234567890",)" + error("event is too long"));
}

TEST_CASE("a session is found as long as its connection is open, and no other in its place") {
    HubFixture f;
    const auto first = f.open();
    const auto session = f.hub.session_of(first);
    CHECK(f.hub.find(session) == first);
    f.hub.on_close(first);
    CHECK_FALSE(f.hub.find(session));
    const auto second = f.open();
    CHECK(second == first);
    CHECK_FALSE(f.hub.find(session));
    CHECK_FALSE(f.hub.find({{session.home.incarnation + 1, session.home.shard}, session.serial}));
    CHECK(f.hub.find(f.hub.session_of(second)) == second);
}
