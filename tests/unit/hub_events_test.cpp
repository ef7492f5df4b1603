#include <catch2/catch.hpp>

#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;

namespace {

struct EventRecorder : HubRecorder {
    void happened(Happening&& happening) override { happenings.push_back(std::move(happening)); }
    std::vector<Happening> happenings;
};

HubLimits small_limits_with(bool has_events) {
    HubLimits limits = small_limits();
    limits.has_events = has_events;
    return limits;
}

struct Fixture {
    explicit Fixture(bool has_events = true) : limits(small_limits_with(has_events)) {}
    SocketId joined(std::string_view ref = "1") {
        const auto socket = hub.on_open(Wire::v2, now);
        join(socket, ref);
        return socket;
    }
    void join(SocketId socket, std::string_view ref) {
        const std::string quoted = '"' + std::string(ref) + '"';
        hub.on_text(socket, "[" + quoted + "," + quoted + R"(,"room:a","phx_join",{}])", now);
        for (const auto& [bucket, ticket] : std::exchange(outlet.wants, {})) {
            hub.on_live(bucket, ticket, now);
        }
    }
    // As "kind topic join reason", without what is empty.
    Texts told() {
        Texts texts;
        for (const auto& it : std::exchange(outlet.happenings, {})) {
            std::string text(name_of(it.kind));
            if (!it.topic.empty()) text += " " + it.topic + " " + std::to_string(it.join);
            if (!it.reason.empty()) text += ": " + std::string(it.reason);
            texts.push_back(text);
        }
        return texts;
    }

    Time now{1h};
    HubLimits limits;
    EventRecorder outlet;
    FrameRecorder sink;
    Rules rules{{}};
    Hub hub{{7, 2}, rules, limits, outlet, sink};
};

}  // namespace

TEST_CASE("a client is told of from its connecting to its end") {
    Fixture f;
    const auto socket = f.joined();
    const auto session = f.hub.session_of(socket);
    CHECK(f.outlet.happenings.front().session == session);
    CHECK(f.told() == Texts{"connected", "joined room:a 1"});
    f.hub.on_text(socket, R"(["1","2","room:a","phx_leave",{}])", f.now);
    CHECK(f.told() == Texts{"left room:a 1"});
    f.join(socket, "3");
    f.hub.on_close(socket);
    CHECK(f.outlet.happenings.back().session == session);
    CHECK(f.told() == Texts{"joined room:a 2", "left room:a 2", "disconnected: client closed"});
}

TEST_CASE("a second join of the topic is told before the end of the first, with its own number") {
    Fixture f;
    const auto socket = f.joined();
    f.told();
    f.join(socket, "5");
    CHECK(f.told() == Texts{"joined room:a 2", "left room:a 1"});
}

TEST_CASE("a join that was never answered is not told of, nor its end") {
    Fixture f;
    const auto socket = f.hub.on_open(Wire::v2, f.now);
    f.hub.on_text(socket, join_a, f.now);
    f.hub.on_close(socket);
    CHECK(f.told() == Texts{"connected", "disconnected: client closed"});
}

TEST_CASE("what the node closes is told with its reason") {
    Fixture f;
    const auto stopped = f.joined();
    f.told();
    f.hub.hand_over(1);
    f.hub.on_close(stopped);
    CHECK(f.told() == Texts{"left room:a 1", "disconnected: node stopped"});

    const auto idle = f.hub.on_open(Wire::v2, f.now);
    for (int i = 0; i < 130; ++i) {
        f.now += 500ms;
        f.hub.tick(f.now);
    }
    f.hub.on_close(idle);
    CHECK(f.told() == Texts{"connected", "disconnected: idle"});
}

TEST_CASE("a hub without events tells nothing") {
    Fixture f(false);
    const auto socket = f.joined();
    f.hub.on_close(socket);
    CHECK(f.told().empty());
}
