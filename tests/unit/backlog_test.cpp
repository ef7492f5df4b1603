#include "daemon/core/backlog.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace roost;

namespace {

constexpr Origin origin{7, 1};
constexpr std::size_t limit = 100;

struct Fixture {
    // A broadcast of ten bytes, as far as the backlog is concerned.
    Frame broadcast(std::string_view topic, std::uint64_t number, SlowPolicy slow,
                    bool is_positioned = true, Origin from = origin) {
        auto text = std::string(topic) + std::to_string(number);
        text.resize(10, '.');
        struct Held {
            BroadcastRef broadcast;
            std::string text;
        };
        auto held = std::make_shared<const Held>(
            Held{Broadcast::encode(from, number, {topic, "e", "{}", {}, false}), text});
        const std::string_view bytes = held->text;
        const Broadcast* about = held->broadcast.get();
        return {std::move(held), bytes, about, slow, is_positioned};
    }
    static Frame reply(std::string text) {
        auto owner = std::make_shared<const std::string>(std::move(text));
        const std::string_view bytes = *owner;
        return {std::move(owner), bytes};
    }
    bool keep(const Frame& frame) { return backlog.keep(frame, limit, counters); }
    std::string rest() {
        std::string text;
        backlog.take(text, SIZE_MAX);
        return text;
    }

    Backlog backlog;
    SkipCounters counters;
};

}  // namespace

TEST_CASE("what waits is taken in order, and counted in bytes") {
    Fixture f;
    CHECK(f.keep(Fixture::reply("one ")));
    CHECK(f.keep(Fixture::reply("two ")));
    CHECK(f.keep(Fixture::reply("three")));
    CHECK(f.backlog.bytes() == 13);
    std::string text;
    CHECK(f.backlog.take(text, 5) == 2);
    CHECK(text == "one two ");
    CHECK(f.backlog.bytes() == 5);
    CHECK(f.rest() == "three");
    CHECK(f.backlog.is_empty());
    CHECK(f.backlog.bytes() == 0);
}

TEST_CASE("drop-oldest: at the limit a quarter of it is freed, and the rest keeps its order") {
    Fixture f;
    for (std::uint64_t n = 1; n <= 10; ++n) {
        CHECK(f.keep(f.broadcast("a", n, SlowPolicy::drop_oldest)));
    }
    CHECK(f.backlog.bytes() == limit);
    CHECK(f.counters.dropped == 0);
    CHECK(f.keep(f.broadcast("a", 11, SlowPolicy::drop_oldest)));
    CHECK(f.counters.dropped == 4);
    CHECK(f.backlog.take_skipped() == std::vector<Skipped>{{"a", origin, 1, 4}});
    CHECK_FALSE(f.backlog.has_skipped());
    CHECK(f.rest() == "a5........a6........a7........a8........a9........a10.......a11.......");
}

TEST_CASE("drop-oldest: replies stay where they are, also the oldest") {
    Fixture f;
    CHECK(f.keep(Fixture::reply("first ")));
    for (std::uint64_t n = 1; n <= 5; ++n) {
        CHECK(f.keep(f.broadcast("a", n, SlowPolicy::drop_oldest)));
    }
    CHECK(f.keep(Fixture::reply("second ")));
    for (std::uint64_t n = 6; n <= 9; ++n) {
        CHECK(f.keep(f.broadcast("a", n, SlowPolicy::drop_oldest)));
    }
    CHECK(f.counters.dropped == 3);
    CHECK(f.rest() == "first a4........a5........second a6........a7........a8........a9........");
}

TEST_CASE("drop-oldest: what may not be missed closes the socket once it fills three quarters") {
    Fixture f;
    CHECK(f.keep(Fixture::reply(std::string(80, 'r'))));
    CHECK(f.keep(f.broadcast("a", 1, SlowPolicy::drop_oldest)));
    CHECK(f.keep(f.broadcast("a", 2, SlowPolicy::drop_oldest)));
    CHECK_FALSE(f.keep(f.broadcast("a", 3, SlowPolicy::drop_oldest)));
}

TEST_CASE("disconnect: what is beyond the limit closes the socket, what is at it does not") {
    Fixture f;
    for (std::uint64_t n = 1; n <= 10; ++n) {
        CHECK(f.keep(f.broadcast("a", n, SlowPolicy::disconnect)));
    }
    CHECK_FALSE(f.keep(f.broadcast("a", 11, SlowPolicy::disconnect)));
    CHECK(f.counters.dropped == 0);
}

TEST_CASE("one topic makes room for the other") {
    Fixture f;
    for (std::uint64_t n = 1; n <= 5; ++n) {
        CHECK(f.keep(f.broadcast("keep", n, SlowPolicy::disconnect)));
        CHECK(f.keep(f.broadcast("drop", n, SlowPolicy::drop_oldest)));
    }
    CHECK(f.keep(f.broadcast("keep", 6, SlowPolicy::disconnect)));
    CHECK(f.backlog.take_skipped() == std::vector<Skipped>{{"drop", origin, 1, 4}});
    CHECK(f.rest() == "keep1.....keep2.....keep3.....keep4.....keep5.....drop5.....keep6.....");
}

TEST_CASE("latest: only the newest message of each topic waits, and none overtakes a reply") {
    Fixture f;
    CHECK(f.keep(f.broadcast("a", 1, SlowPolicy::latest)));
    CHECK(f.keep(f.broadcast("b", 2, SlowPolicy::latest)));
    CHECK(f.keep(Fixture::reply("reply ")));
    for (std::uint64_t n = 3; n <= 1000; ++n) {
        CHECK(f.keep(f.broadcast("a", n, SlowPolicy::latest)));
    }
    CHECK(f.backlog.bytes() == 36);
    CHECK(f.counters.replaced == 997);
    CHECK(f.backlog.take_skipped() == std::vector<Skipped>{{"a", origin, 3, 999}});
    std::string text;
    CHECK(f.backlog.take(text, 30) == 4);
    CHECK(text == "a1........b2........reply a1000.....");
    // What has left is not waiting, and not replaced.
    CHECK(f.keep(f.broadcast("a", 1001, SlowPolicy::latest)));
    CHECK_FALSE(f.backlog.has_skipped());
    CHECK(f.keep(f.broadcast("b", 1002, SlowPolicy::latest)));
    CHECK(f.rest() == "a1001.....b1002.....");
}

TEST_CASE("latest: many topics make room as the oldest do") {
    Fixture f;
    for (std::uint64_t n = 1; n <= 11; ++n) {
        CHECK(f.keep(f.broadcast("t" + std::to_string(n % 20), n, SlowPolicy::latest)));
    }
    CHECK(f.counters.dropped == 4);
    // The places of those that stayed are known.
    CHECK(f.keep(f.broadcast("t7", 20, SlowPolicy::latest)));
    CHECK(f.counters.replaced == 1);
    CHECK(f.rest() == "t55.......t66.......t720......t88.......t99.......t1010.....t1111.....");
}

TEST_CASE("what is missed is told for each topic and origin, and only of positions") {
    Fixture f;
    const Origin second{9, 0};
    CHECK(f.keep(f.broadcast("a", 5, SlowPolicy::latest)));
    CHECK(f.keep(f.broadcast("a", 1, SlowPolicy::latest, true, second)));
    CHECK(f.keep(f.broadcast("a", 9, SlowPolicy::latest)));
    CHECK(f.keep(f.broadcast("b", 1, SlowPolicy::latest, false)));
    CHECK(f.keep(f.broadcast("b", 2, SlowPolicy::latest, false)));
    CHECK(f.counters.replaced == 3);
    CHECK(f.backlog.take_skipped() ==
          std::vector<Skipped>{{"a", origin, 5, 5}, {"a", second, 1, 1}});
}

TEST_CASE("what is told first stands before all that waits, and nothing is mistaken for another") {
    Fixture f;
    CHECK(f.keep(f.broadcast("a", 1, SlowPolicy::latest)));
    CHECK(f.keep(f.broadcast("b", 2, SlowPolicy::latest)));
    f.backlog.keep_first(Fixture::reply("marker "));
    CHECK(f.keep(f.broadcast("b", 3, SlowPolicy::latest)));
    CHECK(f.backlog.bytes() == 27);
    CHECK(f.rest() == "marker a1........b3........");
}
