// The simulated network itself: what it promises and what it loses.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/sim/network.hpp"

using namespace roost;
using namespace roost::sim;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

// Node 0 publishes, node 1 listens to all that begins with "k".
struct Two {
    Network network;
    Words heard, calls, answers, keys;
    std::string route;
    int links = 0;

    explicit Two(std::size_t high_water = 1000) : network({2, 1, high_water}) {
        Ends publisher, listener;
        publisher.on_subscription = [this](std::string_view key) { keys.emplace_back(key); };
        publisher.on_call = [this](const std::string& from, std::size_t, std::string_view bytes) {
            route = from;
            calls.emplace_back(bytes);
        };
        listener.on_published = [this](std::string_view bytes) { heard.emplace_back(bytes); };
        listener.on_answer = [this](unsigned, std::string_view bytes) {
            answers.emplace_back(bytes);
        };
        listener.on_link = [this](std::size_t) { ++links; };
        network.start(0, publisher);
        network.start(1, listener);
        network.subscribe(1, "k");
        network.listen_to(1, 0);
        run(2s);
    }
    void run(Duration duration) {
        network.run_until(network.now() + duration, [](std::size_t) {});
    }
    void publish(int count) {
        for (int i = 0; i < count; ++i) network.publish(0, "k" + std::to_string(i));
    }
};

}  // namespace

TEST_CASE("beyond the high-water mark a publisher drops for a listener, and says nothing") {
    Two two(4);
    int dropped = 0;
    two.network.on_trouble = [&](Trouble trouble, std::size_t, std::size_t) {
        dropped += trouble == Trouble::dropped;
    };
    two.publish(7);
    two.run(1s);
    CHECK(two.heard == Words{"k0", "k1", "k2", "k3"});
    CHECK(dropped == 3);
    two.publish(1);
    two.run(1s);
    CHECK(two.heard.size() == 5);
}

TEST_CASE("a short one-way cut holds up what is sent, in order; the other way goes on") {
    Two two;
    REQUIRE(two.network.call(1, 1, 0, "before"));
    two.network.cut_one_way(0, 1);
    two.publish(3);
    CHECK(two.network.call(1, 1, 0, "hello"));
    two.run(2s);
    CHECK(two.heard.empty());
    CHECK(two.calls == Words{"before", "hello"});
    two.network.heal_one_way(0, 1);
    two.publish(1);
    two.run(2s);
    CHECK(two.heard == Words{"k0", "k1", "k2", "k0"});
    CHECK(two.links == 1);
}

TEST_CASE(
    "a long one-way cut breaks the connections in both directions, with all that is on them") {
    Two two;
    two.network.cut_one_way(0, 1);
    two.publish(3);
    two.run(5s);
    CHECK_FALSE(two.network.call(1, 1, 0, "hello"));
    two.network.heal_one_way(0, 1);
    two.run(3s);
    CHECK(two.heard.empty());
    CHECK(two.links == 2);
    two.publish(1);
    two.run(1s);
    CHECK(two.heard.size() == 1);
    CHECK(two.network.call(1, 1, 0, "hello"));
}

TEST_CASE("a flap loses what is on its way, and sends subscriptions again in byte order") {
    Two two;
    two.network.subscribe(1, "kz");
    two.network.subscribe(1, "ka");
    two.run(1s);
    two.keys.clear();
    two.publish(2);
    two.network.flap_subscriber(1, 0, Duration{});
    two.run(1s);
    CHECK(two.heard.empty());
    CHECK(two.keys == Words{"k", "ka", "kz"});
    CHECK(two.links == 2);
}

TEST_CASE("an answer to a call of a connection that broke goes nowhere") {
    Two two;
    REQUIRE(two.network.call(1, 1, 0, "one"));
    two.run(1s);
    const auto former = two.route;
    two.network.flap_caller(1, 0, Duration{});
    REQUIRE(two.network.call(1, 1, 0, "two"));
    two.run(1s);
    two.network.answer(0, former, "to one");
    two.network.answer(0, two.route, "to two");
    two.run(1s);
    CHECK(two.answers == Words{"to two"});
}

TEST_CASE("for a node that stands still everything waits, its own timers too") {
    Two two;
    int ticks = 0;
    two.network.at(1, two.network.now() + 100ms, [&] { ++ticks; });
    two.network.pause(1);
    two.publish(2);
    two.run(2s);
    CHECK(two.heard.empty());
    CHECK(ticks == 0);
    two.network.go_on(1);
    two.run(1ms);
    CHECK(two.heard == Words{"k0", "k1"});
    CHECK(ticks == 1);
    CHECK(two.links == 1);
}

TEST_CASE("a node that stands still for long loses its connections") {
    Two two;
    two.network.pause(1);
    two.run(5s);
    two.publish(2);
    two.network.go_on(1);
    two.run(3s);
    CHECK(two.heard.empty());
    CHECK(two.links == 2);
}

TEST_CASE("a slow link delivers later, in order") {
    Two two;
    two.network.slow(0, 1, 200ms);
    two.publish(2);
    two.run(199ms);
    CHECK(two.heard.empty());
    two.run(30ms);
    CHECK(two.heard == Words{"k0", "k1"});
}
