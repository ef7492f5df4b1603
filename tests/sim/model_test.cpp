// The model itself: what it claims, and what it does not.
#include <catch2/catch.hpp>

#include "tests/sim/model.hpp"

using namespace roost;
using namespace roost::sim;
using namespace std::chrono_literals;

namespace {

Time at(Duration since_start) {
    return Time(since_start);
}

// Two nodes since the beginning; client 1 on node 0 speaks in the stream "a", client 2 is on
// node 1. Both are joined since second 20.
struct Story {
    Model model;
    StreamName stream{"a", 1};
    std::uint64_t last = 0;

    Story() {
        model.on_started(0, Time{});
        model.on_started(1, Time{});
        model.on_joined(1, 0, "room", false, at(20s));
        model.on_joined(2, 1, "room", false, at(20s));
    }
    std::uint64_t publish(Duration when) {
        model.on_published(++last, 1, 0, "room", at(when));
        model.on_numbered(last, stream, last);
        model.on_heard(1, last, at(when));
        return last;
    }
    std::size_t breaches_at(Duration when) {
        model.check_nothing_vanished(at(when));
        return model.breaches().size();
    }
};

}  // namespace

TEST_CASE("what was not heard has vanished, whatever happened to the link") {
    Story story;
    story.model.on_disturbed(0, 1, false, at(21s));
    story.publish(22s);
    story.model.on_disturbed(0, 1, true, at(23s));
    story.model.check_reach(at(60s));
    CHECK(story.model.breaches().empty());  // nobody promised that it comes in time
    CHECK(story.breaches_at(60s) == 1);
}

TEST_CASE("what was announced as a gap has not vanished") {
    Story story;
    const auto first = story.publish(22s), second = story.publish(23s);
    story.model.on_gap(2, story.stream, first, first, at(24s));
    story.model.on_heard(2, second, at(24s));
    CHECK(story.breaches_at(60s) == 0);
    CHECK(story.model.excused() == 1);
}

TEST_CASE("of a node that has died nothing is claimed") {
    Story story;
    story.publish(22s);
    story.model.on_stopped(0);
    story.model.on_started(0, Time{});
    CHECK(story.breaches_at(60s) == 0);
}

TEST_CASE("a join while the link was cut covers nothing of the other side") {
    Story story;
    story.model.on_disturbed(0, 1, false, at(30s));
    story.model.on_joined(3, 1, "room", false, at(31s));
    const auto message = story.publish(32s);
    story.model.on_disturbed(0, 1, true, at(33s));
    story.model.on_heard(2, message, at(34s));
    CHECK(story.breaches_at(60s) == 0);
}

TEST_CASE("who comes back recovered has heard what was said meanwhile, once") {
    Story story;
    const auto before = story.publish(22s);
    story.model.on_heard(2, before, at(23s));
    story.model.on_gone(2, at(24s));
    const auto missed = story.publish(25s);
    story.model.on_joined(2, 1, "room", true, at(40s));
    SECTION("it has") {
        story.model.on_heard(2, missed, at(40s));
        CHECK(story.breaches_at(60s) == 0);
        CHECK(story.model.owed_to_returned() == 2);
    }
    SECTION("it has not") {
        CHECK(story.breaches_at(60s) == 1);
    }
    SECTION("it has, and what it knew as well") {
        story.model.on_heard(2, before, at(40s));
        CHECK(story.model.breaches().size() == 1);
    }
}

TEST_CASE("who comes back not recovered begins anew") {
    Story story;
    const auto before = story.publish(22s);
    story.model.on_heard(2, before, at(23s));
    story.model.on_gone(2, at(24s));
    story.publish(25s);
    story.model.on_joined(2, 1, "room", false, at(40s));
    story.model.on_heard(2, before, at(41s));
    CHECK(story.breaches_at(60s) == 0);
    story.publish(42s);
    CHECK(story.breaches_at(60s) == 1);
}

TEST_CASE("a replay after what is live breaks the order and the positions") {
    Story story;
    const auto first = story.publish(22s), second = story.publish(23s);
    story.model.on_heard(2, second, at(24s));
    story.model.on_position(2, story.stream, second, at(24s));
    CHECK(story.model.breaches().empty());
    story.model.on_heard(2, first, at(25s));
    CHECK(story.model.breaches().size() == 1);
    story.model.on_position(2, story.stream, first, at(25s));
    CHECK(story.model.breaches().size() == 2);
}
