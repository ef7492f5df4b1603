#include <catch2/catch.hpp>

#include "daemon/core/group.hpp"
#include "tests/unit/group_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

std::size_t take_hellos(GroupRecorder& outlet) {
    std::size_t count = 0;
    for (const auto& [contact, bytes] : std::exchange(outlet.calls, {})) {
        const auto message = group::decode_directed(bytes);
        count += message && std::holds_alternative<group::Hello>(*message);
    }
    return count;
}

}  // namespace

TEST_CASE("a contact whose handshake failed with every key is shown as refused, and tried again") {
    GroupFixture f;
    f.group.on_handshake_failed(1, "the handshake failed: it has no group key", f.now);
    CHECK(f.state_of(two_address) == "connecting");  // it may have ended just then
    f.run_for(1100ms);
    f.group.on_handshake_failed(1, "the handshake failed: it has no group key", f.now);
    CHECK(f.state_of(two_address) == "refused");
    CHECK(f.outlet.facts[FactKind::refused_by_node] == 1);
    f.run_for(500ms);
    CHECK(f.outlet.contacts.empty());
    take_hellos(f.outlet);
    f.run_for(600ms);
    CHECK(f.outlet.keys == std::vector<std::size_t>{0, 0, 0});
    CHECK(take_hellos(f.outlet) > 0);
    f.group.on_handshake_failed(1, "the handshake failed: it has no group key", f.now);
    CHECK(f.outlet.facts[FactKind::refused_by_node] == 1);
    f.run_for(1200ms);
    f.meet();
    CHECK(f.state_of(two_address) == "up");
}

TEST_CASE("with two keys, a contact that does not take the one is called with the other") {
    auto config = group_config({{"10.0.0.2", 7370}});
    config.keys = 2;
    GroupFixture f(config);
    const auto fail = [&] { f.group.on_handshake_failed(1, "it has another group key", f.now); };
    fail();
    CHECK(f.state_of(two_address) == "connecting");
    f.run_for(50ms);
    CHECK(f.outlet.keys == std::vector<std::size_t>{0, 1});
    CHECK(take_hellos(f.outlet) == 1);
    f.meet();
    CHECK(f.outlet.listening_key == 1);

    // In another life it has another key, and is called with that while the old life is mourned.
    fail();
    f.run_for(50ms);
    CHECK(f.outlet.keys == std::vector<std::size_t>{0, 1, 0});
    CHECK(take_hellos(f.outlet) == 1);
    f.meet(3);
    CHECK(f.state_of(two_address) == "up");
    CHECK(f.outlet.listening_key == 0);
}

TEST_CASE("a contact that takes neither key is shown as refused, and called with both in turn") {
    auto config = group_config({{"10.0.0.2", 7370}});
    config.keys = 2;
    GroupFixture f(config);
    const auto fail = [&] { f.group.on_handshake_failed(1, "it has another group key", f.now); };
    fail();
    f.group.on_handshake_failed(1, "told twice of the same socket", f.now);
    f.run_for(50ms);
    fail();
    CHECK(f.outlet.keys == std::vector<std::size_t>{0, 1});
    CHECK(f.state_of(two_address) == "connecting");
    f.run_for(1100ms);
    fail();
    f.run_for(50ms);
    CHECK(f.state_of(two_address) == "connecting");
    fail();
    CHECK(f.outlet.keys == std::vector<std::size_t>{0, 1, 0, 1});
    CHECK(f.state_of(two_address) == "refused");
}

TEST_CASE("a beacon that is not believed is shown, and nobody is called for it") {
    GroupFixture f(group_config({}));
    const auto reason = "its beacon has no group key";
    f.group.on_doubtful_beacon("10.0.0.9", encode(Beacon{5, false, "roost", {"", 7370}}), reason,
                               f.now);
    f.group.on_doubtful_beacon("10.0.0.9", encode(Beacon{5, false, "roost", {"", 7370}}), reason,
                               f.now);
    CHECK(f.state_of("10.0.0.9:7370") == "refused");
    CHECK(f.outlet.facts[FactKind::node_refused] == 1);
    CHECK(f.outlet.contacts.empty());

    f.group.on_doubtful_beacon("10.0.0.8", encode(Beacon{6, false, "other", {"", 7370}}), reason,
                               f.now);
    f.group.on_doubtful_beacon("10.0.0.8", encode(Beacon{6, true, "roost", {"", 7370}}), reason,
                               f.now);
    f.group.on_doubtful_beacon("10.0.0.8", encode(Beacon{1, false, "roost", {"", 7370}}), reason,
                               f.now);
    f.group.on_doubtful_beacon("10.0.0.8", "no beacon", reason, f.now);
    CHECK(f.outlet.facts[FactKind::node_refused] == 1);

    f.group.on_beacon("10.0.0.9", encode(Beacon{7, false, "roost", {"", 7370}}), f.now);
    CHECK(f.state_of("10.0.0.9:7370") == "connecting");
}

TEST_CASE("doubtful beacons of any number of addresses are kept up to a bound, and for a while") {
    GroupFixture f(group_config({}));
    for (std::uint16_t port = 1; port <= 5000; ++port) {
        const Beacon beacon{port + 10U, false, "roost", {"10.0.0.9", port}};
        f.group.on_doubtful_beacon("10.0.0.9", encode(beacon), "its beacon has no group key",
                                   f.now);
        f.group.on_caller_not_admitted("10.0." + std::to_string(port), "its key is none", f.now);
    }
    CHECK(f.group.kept() <= f.group.config().found_max);
    f.run_for(61s);
    CHECK(f.group.kept() == 0);
}

TEST_CASE("a beacon in the name of a peer does the peer no harm") {
    GroupFixture f;
    f.meet();
    f.group.on_doubtful_beacon("10.0.0.2", encode(Beacon{2, false, "roost", {"", 7370}}),
                               "its beacon has no group key", f.now);
    CHECK(f.state_of(two_address) == "up");
    CHECK(f.outlet.facts[FactKind::node_refused] == 0);
}

TEST_CASE("a caller that is turned away again and again is shown as refused") {
    GroupFixture f(group_config({}));
    const auto turn_away = [&] {
        f.group.on_caller_turned_away("10.0.0.9", "it has no group key", f.now);
    };
    turn_away();
    f.run_for(2500ms);
    turn_away();
    CHECK(f.state_of("10.0.0.9:0") == "unknown");
    f.run_for(500ms);
    turn_away();
    CHECK(f.state_of("10.0.0.9:0") == "refused");
    CHECK(f.outlet.facts[FactKind::node_refused] == 1);
    turn_away();
    CHECK(f.outlet.facts[FactKind::node_refused] == 1);
    f.run_for(61s);
    CHECK(f.state_of("10.0.0.9:0") == "unknown");
    CHECK(f.group.kept() == 0);
}

TEST_CASE("a caller that is turned away now and then is not shown") {
    GroupFixture f(group_config({}));
    for (int i = 0; i < 3; ++i) {
        f.group.on_caller_turned_away("10.0.0.9", "it has another group key", f.now);
        f.run_for(11s);
    }
    CHECK(f.state_of("10.0.0.9:0") == "unknown");
}

TEST_CASE("a caller that is turned away and then let in is a member with two keys") {
    GroupFixture f(group_config({}));
    const auto turn_away = [&] {
        f.group.on_caller_turned_away("10.0.0.2", "it has another group key", f.now);
    };
    turn_away();
    f.run_for(2s);
    f.ask(group::Hello{f.other()});
    turn_away();
    f.run_for(2s);
    turn_away();
    CHECK(f.state_of("10.0.0.2:0") == "unknown");
    CHECK(f.outlet.facts[FactKind::node_refused] == 0);
}

TEST_CASE("a contact that refuses no more is called again as if it never had") {
    GroupFixture f;
    const auto fail = [&] { f.group.on_handshake_failed(1, "the handshake failed", f.now); };
    fail();
    f.run_for(1100ms);
    fail();
    CHECK(f.state_of(two_address) == "refused");
    for (int i = 0; i < 20; ++i) {
        f.run_for(1100ms);
        fail();
        CHECK(f.state_of(two_address) == "refused");
    }
    f.run_for(11s);
    CHECK(f.state_of(two_address) == "connecting");
}

TEST_CASE("a contact that calls is called back at once, although its handshake has just failed") {
    GroupFixture f;
    f.group.on_handshake_failed(1, "the handshake failed", f.now);
    f.run_for(200ms);
    CHECK(f.outlet.contacts.empty());
    f.ask(group::Hello{f.other()});
    f.run_for(50ms);
    CHECK(f.outlet.contacts.size() == 1);
    CHECK(take_hellos(f.outlet) > 0);
}
