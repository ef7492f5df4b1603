#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/sim/schedules.hpp"

using namespace roost;
using namespace roost::sim;
using namespace std::chrono_literals;

namespace {

using Nodes = std::set<std::size_t>;

constexpr std::uint64_t schedules_in_all = 2020;

void require_kept(Cluster& cluster) {
    cluster.model().check_reach(cluster.now());
    for (const auto& breach : cluster.model().breaches()) FAIL_CHECK(breach);
}

// SEED=n repeats one seed; SIM_SCHEDULES=n is how many there are of all kinds together. With
// `is_checked` there is something that the clients are owed.
void require_kept(Kind kind, std::uint64_t share, bool is_checked = true) {
    const char* one = std::getenv("SEED");
    const char* sum = std::getenv("SIM_SCHEDULES");
    const std::uint64_t all = sum ? std::stoull(sum) : schedules_in_all;
    const std::uint64_t first = one ? std::stoull(one) : 1;
    const std::uint64_t last =
        one ? first : std::max<std::uint64_t>(1, share * all / schedules_in_all);
    std::uint64_t owed = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        INFO("SEED=" << seed << ", or: ./dev sim --kind " << name_of(kind) << " --seed " << seed);
        const auto outcome = run_schedule(kind, seed);
        for (const auto& breach : outcome.breaches) FAIL_CHECK(breach);
        CHECK(outcome.deliveries > 0);
        owed += outcome.owed;
    }
    CHECK((owed > 0) == is_checked);
}

}  // namespace

TEST_CASE("one known address is enough for three nodes to find each other") {
    Cluster cluster({.nodes = 3});
    cluster.run_for(8s);
    CHECK(cluster.up_as_seen_by(0) == Nodes{1, 2});
    CHECK(cluster.up_as_seen_by(1) == Nodes{0, 2});
    CHECK(cluster.up_as_seen_by(2) == Nodes{0, 1});
}

TEST_CASE("nodes find each other by beacons alone, though some are lost") {
    Cluster cluster({.nodes = 4, .has_beacon = true});
    cluster.run_for(8s);
    for (std::size_t node = 0; node < 4; ++node) CHECK(cluster.up_as_seen_by(node).size() == 3);
}

TEST_CASE("what is published after a join reply reaches the joiner from every node") {
    Cluster cluster({.nodes = 3});
    cluster.run_for(10s);
    const auto a = cluster.join(0, "room:1"), b = cluster.join(1, "room:1");
    cluster.run_for(1s);
    REQUIRE(cluster.is_joined(a));
    REQUIRE(cluster.is_joined(b));
    const auto late = cluster.join(2, "room:1");
    while (!cluster.is_joined(late)) cluster.run_for(1ms);
    cluster.publish(a);
    cluster.publish(b);
    cluster.run_for(2s);
    require_kept(cluster);
    CHECK(cluster.model().deliveries() == 6);
}

TEST_CASE("a cut node is given up after its silence, and taken back when it is heard") {
    Cluster cluster({.nodes = 3});
    cluster.run_for(10s);
    cluster.cut(0, 2);
    cluster.run_for(3600ms);  // down_after, and the age of the last heartbeat
    CHECK(cluster.up_as_seen_by(0) == Nodes{1});
    CHECK(cluster.up_as_seen_by(2) == Nodes{1});
    CHECK(cluster.up_as_seen_by(1) == Nodes{0, 2});  // its own links hold
    cluster.heal(0, 2);
    cluster.run_for(6s);
    CHECK(cluster.up_as_seen_by(0) == Nodes{1, 2});
    CHECK(cluster.up_as_seen_by(2) == Nodes{0, 1});
    const auto a = cluster.join(0, "room:1"), c = cluster.join(2, "room:1");
    cluster.run_for(9s);
    cluster.publish(a);
    cluster.publish(c);
    cluster.run_for(2s);
    require_kept(cluster);
    CHECK(cluster.model().deliveries() == 4);
}

TEST_CASE("joins go on during a split, and each side serves its own") {
    Cluster cluster({.nodes = 3});
    cluster.run_for(10s);
    cluster.cut(0, 2);
    cluster.cut(1, 2);
    const auto alone = cluster.join(2, "room:1");
    cluster.run_for(4s);  // the fence waits for nodes that do not answer, but not for ever
    REQUIRE(cluster.is_joined(alone));
    cluster.publish(alone);
    cluster.run_for(1s);
    CHECK(cluster.model().deliveries() == 1);
}

TEST_CASE("a killed node is down within four seconds, and its return needs nothing of the others") {
    Cluster cluster({.nodes = 3});
    cluster.run_for(10s);
    cluster.crash(2);
    cluster.run_for(4s);
    CHECK(cluster.up_as_seen_by(0) == Nodes{1});
    cluster.start(2);
    cluster.run_for(8s);
    CHECK(cluster.up_as_seen_by(0) == Nodes{1, 2});
    CHECK(cluster.up_as_seen_by(1) == Nodes{0, 2});
    CHECK(cluster.up_as_seen_by(2) == Nodes{0, 1});
}

TEST_CASE("the first node may die: those who found each other through it stay together") {
    Cluster cluster({.nodes = 4});
    cluster.run_for(10s);
    cluster.crash(0);
    cluster.run_for(5s);
    CHECK(cluster.up_as_seen_by(1) == Nodes{2, 3});
    CHECK(cluster.up_as_seen_by(3) == Nodes{1, 2});
}

TEST_CASE("a goodbye is believed at once") {
    Cluster cluster({.nodes = 3});
    cluster.run_for(10s);
    cluster.leave(2);
    cluster.run_for(100ms);
    CHECK(cluster.up_as_seen_by(0) == Nodes{1});
    CHECK(cluster.up_as_seen_by(1) == Nodes{0});
}

TEST_CASE("nothing is kept of dead nodes") {
    Cluster cluster({.nodes = 2});
    cluster.run_for(10s);
    const auto before = cluster.group(0).kept();
    for (int restart = 0; restart < 200; ++restart) {
        cluster.crash(1);
        cluster.run_for(500ms);
        cluster.start(1);
        cluster.run_for(3s);
    }
    cluster.run_for(10s);
    CHECK(cluster.up_as_seen_by(0) == Nodes{1});
    CHECK(cluster.group(0).kept() == before);
}

TEST_CASE("one seed is one history") {
    for (const Kind kind : {Kind::peace, Kind::war, Kind::lossless, Kind::resume}) {
        CHECK(run_schedule(kind, 7).history == run_schedule(kind, 7).history);
        CHECK(run_schedule(kind, 7).history != run_schedule(kind, 8).history);
    }
}

TEST_CASE("[random] peace: every message reaches everyone, once, in order") {
    require_kept(Kind::peace, 600);
}

TEST_CASE("[random] war: cuts, crashes and restarts break no promise to those they do not touch") {
    require_kept(Kind::war, 600);
}

TEST_CASE("[random] crowd: the same among twenty nodes") {
    require_kept(Kind::crowd, 20);
}

TEST_CASE("[random] lossless: whatever is lost on the way, nothing vanishes") {
    require_kept(Kind::lossless, 400, kept_by_the_core.repair);
}

TEST_CASE("[random] resume: who comes back has heard everything, once") {
    require_kept(Kind::resume, 400, kept_by_the_core.resume);
}
