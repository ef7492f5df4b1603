#include "daemon/core/streams.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/made.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;

namespace {

using Story = std::vector<std::string>;

// What came out, in order: numbers, and gaps as "from-to".
struct Listener : StreamsOutlet {
    void deliver(const BroadcastRef& broadcast) override {
        story.push_back(std::to_string(broadcast->number()));
    }
    void on_gap(const Gap& gap) override {
        story.push_back(std::to_string(gap.from) + "-" + std::to_string(gap.to));
        gaps.push_back(gap);
    }
    Story story;
    std::vector<Gap> gaps;
};

const Bucket bucket_a = bucket_of("room:a");
const std::size_t wire_bytes = made({1, 0}, 1)->wire().size();

struct Fixture {
    explicit Fixture(std::size_t held_bytes_max = 1'000'000) : streams(listener, held_bytes_max) {}

    void see(std::initializer_list<std::uint64_t> numbers, std::string_view topic = "room:a") {
        for (const auto number : numbers) {
            streams.on_broadcast(made({1, 0}, number, topic), now);
        }
    }
    void mark(std::uint64_t number, std::string_view topic = "room:a") {
        streams.on_mark(1, {0, bucket_of(topic), number}, now);
    }
    // With no number, nothing is told of the stream: it stands at 0.
    void base(std::optional<std::uint64_t> number = {}, std::string_view topic = "room:a") {
        std::vector<group::StreamMark> marks;
        if (number) marks.push_back({0, bucket_of(topic), *number});
        streams.on_base(1, bucket_of(topic), marks, now);
    }
    void repaired(std::uint64_t from, std::uint64_t to) {
        streams.on_repaired(1, {0, bucket_a, from, to}, now);
    }
    void give_up_after(Duration wait) { streams.give_up(wait, 60s, now); }
    Story told() { return std::exchange(listener.story, {}); }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> holes() const {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
        for (const auto& range : streams.holes(1, 100)) found.emplace_back(range.from, range.to);
        return found;
    }
    std::optional<std::uint64_t> last(std::string_view topic = "room:a") const {
        return streams.last({1, 0}, bucket_of(topic));
    }
    std::optional<std::uint64_t> floor() const { return streams.floor({1, 0}, bucket_a); }

    Time now{1h};
    Listener listener;
    Streams streams;
};

using Holes = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

void check_counters(const StreamCounters& counters, std::uint64_t detected, std::uint64_t repaired,
                    std::uint64_t lost) {
    CHECK(counters.detected == detected);
    CHECK(counters.repaired == repaired);
    CHECK(counters.lost == lost);
}

}  // namespace

TEST_CASE("without a base the first message of a stream is where it begins") {
    Fixture f;
    CHECK_FALSE(f.last());
    f.see({41, 42});
    CHECK(f.told() == Story{"41", "42"});
    CHECK(f.last() == 42);
    CHECK(f.floor() == 40);
    check_counters(f.streams.counters(), 0, 0, 0);
}

TEST_CASE("a stream begins with its base: what follows is owed") {
    Fixture f;
    f.base(7);
    CHECK(f.last() == 7);
    CHECK(f.floor() == 7);
    CHECK(f.streams.has_base(1, bucket_a));
    f.see({10});
    CHECK(f.told().empty());
    CHECK(f.holes() == Holes{{8, 9}});
    check_counters(f.streams.counters(), 2, 0, 0);
}

TEST_CASE("a stream of which the base tells nothing stands at 0, whatever its shard") {
    Fixture f;
    f.base();
    CHECK(f.last() == 0);
    CHECK(f.streams.last({1, 9}, bucket_a) == 0);
    CHECK_FALSE(f.streams.last({2, 0}, bucket_a));
    CHECK_FALSE(f.streams.last({1, 0}, bucket_of("room:b")));
    f.see({2});
    CHECK(f.holes() == Holes{{1, 1}});
}

TEST_CASE("the first message before the base keeps its place, and the base shows what came after") {
    Fixture f;
    f.see({5});
    f.base(8);
    CHECK(f.told() == Story{"5"});
    CHECK(f.holes() == Holes{{6, 8}});
    CHECK(f.floor() == 4);
    f.see({6, 7, 8, 9});
    CHECK(f.told() == Story{"6", "7", "8", "9"});
    check_counters(f.streams.counters(), 3, 3, 0);
}

TEST_CASE("a base that is older than what was heard takes nothing back") {
    Fixture f;
    f.see({5, 6});
    f.base(3);
    CHECK(f.last() == 6);
    CHECK_FALSE(f.streams.has_holes(1));
    f.base(6);
    CHECK_FALSE(f.streams.has_holes(1));
}

TEST_CASE("a mark before the base is owed from the base on") {
    Fixture f;
    f.mark(9);
    CHECK(f.holes().empty());
    CHECK_FALSE(f.last());
    f.base(6);
    CHECK(f.holes() == Holes{{7, 9}});
    check_counters(f.streams.counters(), 3, 0, 0);
}

TEST_CASE("a mark before a base that stands at 0 is owed from the first number on") {
    Fixture f;
    f.mark(3);
    f.base();
    CHECK(f.last() == 0);
    CHECK(f.holes() == Holes{{1, 3}});
    f.see({4});
    CHECK(f.told().empty());
}

TEST_CASE("what a mark told before the first message is counted as missing with that message") {
    Fixture f;
    f.mark(9);
    f.see({5});
    CHECK(f.told() == Story{"5"});
    CHECK(f.holes() == Holes{{6, 9}});
    const auto& counters = f.streams.counters();
    CHECK(counters.detected == counters.repaired + counters.lost + 4);
}

TEST_CASE("a jump is held back until the hole is filled, and then told in order") {
    Fixture f;
    f.base(0);
    f.see({1, 4, 6, 5});
    CHECK(f.told() == Story{"1"});
    CHECK(f.holes() == Holes{{2, 3}});
    CHECK(f.streams.held_bytes() == 3 * wire_bytes);
    f.see({3});
    CHECK(f.told().empty());
    f.see({2});
    CHECK(f.told() == Story{"2", "3", "4", "5", "6"});
    CHECK(f.streams.held_bytes() == 0);
    CHECK(f.streams.hole_count() == 0);
    CHECK(f.floor() == 0);
    check_counters(f.streams.counters(), 3, 3, 0);
}

TEST_CASE("the first hole of a stream is asked for, then the next") {
    Fixture f;
    f.base(0);
    f.see({3, 6});
    CHECK(f.holes() == Holes{{1, 2}});
    f.see({1, 2});
    CHECK(f.told() == Story{"1", "2", "3"});
    CHECK(f.holes() == Holes{{4, 5}});
    f.see({4, 5});
    CHECK(f.holes().empty());
    CHECK(f.told() == Story{"4", "5", "6"});
}

TEST_CASE("a mark reveals the messages at the end that never came, once") {
    Fixture f;
    f.base(0);
    f.see({1, 2, 3});
    f.mark(3);
    f.mark(2);
    CHECK_FALSE(f.streams.has_holes(1));
    f.mark(5);
    f.mark(5);
    CHECK(f.holes() == Holes{{4, 5}});
    CHECK(f.streams.has_holes(1));
    check_counters(f.streams.counters(), 2, 0, 0);
    f.see({4, 5, 6});
    CHECK(f.streams.hole_count() == 0);
    check_counters(f.streams.counters(), 2, 2, 0);
}

TEST_CASE("a number that was delivered, or is held, is a repetition") {
    Fixture f;
    f.base(0);
    f.see({1, 2, 2, 1, 5, 5});
    CHECK(f.told() == Story{"1", "2"});
    CHECK(f.streams.counters().repeated == 3);
    CHECK(f.streams.held_bytes() == wire_bytes);
}

TEST_CASE("peers, shards and buckets have streams of their own") {
    Fixture f;
    f.streams.on_broadcast(made({1, 0}, 5), f.now);
    f.streams.on_broadcast(made({2, 0}, 5), f.now);
    f.streams.on_broadcast(made({1, 1}, 5), f.now);
    f.streams.on_broadcast(made({1, 255}, 9), f.now);
    f.streams.on_broadcast(made({1, 0}, 5, "room:b"), f.now);
    CHECK(f.told().size() == 5);
    f.streams.on_broadcast(made({1, 1}, 7), f.now);
    CHECK(f.streams.holes(1, 9) == std::vector<group::Range>{{1, bucket_a, 6, 6}});
    CHECK_FALSE(f.streams.has_holes(2));
    std::vector<std::pair<Origin, std::uint64_t>> streams;
    f.streams.for_each(bucket_a, [&](const Origin& origin, std::uint64_t last) {
        streams.emplace_back(origin, last);
    });
    CHECK(streams == std::vector<std::pair<Origin, std::uint64_t>>{
                         {{1, 0}, 5}, {{1, 1}, 5}, {{1, 255}, 9}, {{2, 0}, 5}});
}

TEST_CASE("at most so many holes are told at once") {
    Fixture f;
    for (std::uint8_t shard = 0; shard < 9; ++shard) {
        f.streams.on_broadcast(made({1, shard}, 1), f.now);
        f.streams.on_broadcast(made({1, shard}, 3), f.now);
    }
    CHECK(f.streams.hole_count() == 9);
    CHECK(f.streams.holes(1, 4).size() == 4);
    CHECK(f.streams.holes(1, 100).size() == 9);
    CHECK(f.streams.holes(2, 100).empty());
}

TEST_CASE("what does not fit behind a hole is dropped, counted as missing again, and asked for") {
    Fixture f(2 * wire_bytes);
    f.base(0);
    f.see({2, 3, 4, 5});
    CHECK(f.streams.held_bytes() == 2 * wire_bytes);
    check_counters(f.streams.counters(), 3, 0, 0);  // 1, and 4 and 5 that were dropped
    f.see({1});
    CHECK(f.told() == Story{"1", "2", "3"});
    CHECK(f.holes() == Holes{{4, 5}});
    check_counters(f.streams.counters(), 3, 1, 0);
    f.see({4, 5});
    CHECK(f.told() == Story{"4", "5"});
    check_counters(f.streams.counters(), 3, 3, 0);
}

TEST_CASE("the end of a hole is delivered though nothing more fits behind it") {
    Fixture f(0);
    f.base(0);
    f.see({3, 2});
    CHECK(f.told().empty());
    check_counters(f.streams.counters(), 4, 1, 0);  // 2 was missing, came, and is missing again
    f.see({1, 2, 3});
    CHECK(f.told() == Story{"1", "2", "3"});
    CHECK(f.streams.hole_count() == 0);
}

TEST_CASE("one stream holds back no more than a client can be told at once") {
    Fixture f(100'000'000);
    f.base(0);
    const std::string payload = "{\"x\":\"" + std::string(100'000, 'x') + "\"}";
    for (std::uint64_t number = 2; number <= 30; ++number) {
        f.streams.on_broadcast(made({1, 0}, number, "room:a", payload), f.now);
    }
    CHECK(f.streams.held_bytes() <= Streams::stream_held_bytes_max);
    CHECK(f.streams.held_bytes() > Streams::stream_held_bytes_max / 2);
    f.streams.on_broadcast(made({1, 0}, 2, "room:b", payload), f.now);  // that is another stream
    f.streams.on_broadcast(made({1, 0}, 4, "room:b", payload), f.now);
    CHECK(f.streams.held_bytes() > Streams::stream_held_bytes_max - 100'000);
    f.see({1});
    const auto told = f.told();
    CHECK(told.size() >= 9);
    CHECK(f.holes().back() == std::pair<std::uint64_t, std::uint64_t>{*f.last() + 1, 30});
    f.streams.forget(bucket_a);
    f.streams.forget(bucket_of("room:b"));
    CHECK(f.streams.held_bytes() == 0);
}

TEST_CASE("a place before the base is what is owed from, unless the stream has one") {
    Fixture f;
    f.streams.place({1, 0}, bucket_a, 4, f.now);
    CHECK(f.last() == 4);
    CHECK(f.floor() == 4);
    f.base(7);
    CHECK(f.holes() == Holes{{5, 7}});
    f.see({5, 6, 7});
    f.streams.place({1, 0}, bucket_a, 2, f.now);
    CHECK(f.last() == 7);
    const Bucket bucket_b = bucket_of("room:b");
    f.streams.on_mark(1, {3, bucket_b, 9}, f.now);
    f.streams.place({1, 3}, bucket_b, 8, f.now);
    CHECK(f.streams.holes(1, 9) == std::vector<group::Range>{{3, bucket_b, 9, 9}});
    check_counters(f.streams.counters(), 4, 3, 0);
}

TEST_CASE("of what was repaired, numbers that did not come are gaps, in their places") {
    Fixture f;
    f.base(0);
    f.see({9, 2, 4, 5});
    CHECK(f.told().empty());
    f.repaired(1, 8);
    CHECK(f.told() == Story{"1-1", "2", "3-3", "4", "5", "6-8", "9"});
    CHECK(f.listener.gaps.front() == Gap{{1, 0}, bucket_a, 1, 1});
    CHECK(f.floor() == 8);
    check_counters(f.streams.counters(), 8, 3, 5);
}

TEST_CASE("a repair that went only so far gives up no further") {
    Fixture f;
    f.base(0);
    f.see({9, 2});
    f.repaired(1, 4);
    CHECK(f.told() == Story{"1-1", "2", "3-4"});
    CHECK(f.holes() == Holes{{5, 8}});
    f.repaired(1, 4);  // an answer that comes twice
    CHECK(f.told().empty());
    f.repaired(7, 8);  // of what was not asked
    CHECK(f.told().empty());
    f.repaired(5, 100);
    CHECK(f.told() == Story{"5-8", "9"});
    check_counters(f.streams.counters(), 8, 1, 7);
}

TEST_CASE("a repair of a stream that is not known changes nothing") {
    Fixture f;
    f.repaired(1, 5);
    f.base(0);
    f.repaired(1, 5);
    f.streams.on_repaired(9, {0, bucket_a, 1, 5}, f.now);
    CHECK(f.told().empty());
    CHECK(f.last() == 0);
}

TEST_CASE("a hole is given up when nothing has come for so long, and what follows it is told") {
    Fixture f;
    f.base(0);
    f.see({1, 4, 5});
    f.now += 4999ms;
    f.give_up_after(5s);
    CHECK(f.told() == Story{"1"});
    f.now += 1ms;
    f.give_up_after(5s);
    CHECK(f.told() == Story{"2-3", "4", "5"});
    CHECK(f.streams.hole_count() == 0);
    check_counters(f.streams.counters(), 2, 0, 2);
}

TEST_CASE("giving up waits as long as some hole of the peer is being filled") {
    Fixture f;
    f.base(0);
    f.base(0, "room:b");
    f.see({9});
    f.see({9}, "room:b");
    for (std::uint64_t number = 1; number <= 8; ++number) {
        f.now += 3s;
        f.see({number});
        f.give_up_after(5s);
        CHECK(f.listener.gaps.empty());
    }
    f.now += 5s;
    f.give_up_after(5s);
    CHECK(f.listener.gaps == std::vector<Gap>{{{1, 0}, bucket_of("room:b"), 1, 8}});
}

TEST_CASE("messages at the end of a stream that nobody can fetch are given up too") {
    Fixture f;
    f.base(0);
    f.mark(3);
    f.now += 5s;
    f.give_up_after(5s);
    CHECK(f.told() == Story{"1-3"});
    CHECK(f.last() == 3);
    f.see({4});
    CHECK(f.told() == Story{"4"});
}

TEST_CASE("the end of the stream of a peer out of sight is kept until it is back") {
    Fixture f;
    f.base(0);
    f.see({1});
    f.mark(3);
    f.streams.set_away(1, f.now);
    f.now += 1min;
    f.give_up_after(5s);
    CHECK(f.told() == Story{"1"});
    CHECK(f.holes() == Holes{{2, 3}});
    f.streams.set_present(1, f.now);
    f.give_up_after(5s);
    f.base(8);  // the second one, with what was missed meanwhile
    CHECK(f.holes() == Holes{{2, 8}});
    f.see({2, 3, 4, 5, 6, 7, 8});
    CHECK(f.told() == Story{"2", "3", "4", "5", "6", "7", "8"});
    check_counters(f.streams.counters(), 7, 7, 0);
}

TEST_CASE("what is held behind a hole waits longer for a peer out of sight, but not for ever") {
    Fixture f;
    f.base(0);
    f.see({3});
    f.mark(5);
    f.streams.set_away(1, f.now);
    f.now += 59s;
    f.give_up_after(5s);
    CHECK(f.told().empty());
    f.now += 1s;
    f.give_up_after(5s);
    CHECK(f.told() == Story{"1-2", "3"});
    f.now += 10min;
    f.give_up_after(5s);
    CHECK(f.told().empty());
    CHECK(f.holes() == Holes{{4, 5}});
}

TEST_CASE("a buried peer's holes are given up at once, and where it stood is still known") {
    Fixture f;
    f.base(0);
    f.see({1, 3, 6});
    f.mark(8);
    f.streams.bury(1, f.now);
    CHECK(f.told() == Story{"1", "2-2", "3", "4-5", "6", "7-8"});
    CHECK(f.last() == 8);
    CHECK(f.floor() == 8);
    CHECK(f.streams.hole_count() == 0);
    CHECK(f.streams.held_bytes() == 0);
    check_counters(f.streams.counters(), 5, 0, 5);
}

TEST_CASE("of the peers out of sight so many are known, and for so long") {
    Fixture f;
    for (Incarnation peer = 1; peer <= 5; ++peer) {
        f.streams.on_broadcast(made({peer, 0}, 1), f.now);
    }
    f.streams.set_away(3, f.now);
    f.streams.on_mark(3, {0, bucket_a, 4}, f.now);
    f.streams.set_away(1, f.now + 1s);
    f.streams.set_away(2, f.now + 2s);
    f.streams.set_away(77, f.now);  // unknown
    CHECK(f.streams.forget_away(3, f.now).empty());
    (void)f.told();
    CHECK(f.streams.forget_away(2, f.now) == std::vector<Incarnation>{3});
    CHECK(f.told() == Story{"2-4"});
    CHECK_FALSE(f.streams.last({3, 0}, bucket_a));
    CHECK(f.streams.forget_away(2, f.now + 2s) == std::vector<Incarnation>{1});
    f.streams.set_present(2, f.now);
    CHECK(f.streams.forget_away(0, never).empty());
    CHECK(f.streams.size() == 6);  // three peers with a stream each
}

TEST_CASE("a forgotten bucket begins anew, for every peer, and only it") {
    Fixture f;
    f.base(0);
    f.base(0, "room:b");
    f.see({3});
    f.see({1}, "room:b");
    f.streams.on_broadcast(made({2, 3}, 1), f.now);
    f.streams.forget(bucket_a);
    CHECK(f.streams.hole_count() == 0);
    CHECK(f.streams.held_bytes() == 0);
    CHECK_FALSE(f.last());
    CHECK_FALSE(f.streams.last({2, 3}, bucket_a));
    CHECK_FALSE(f.streams.has_base(1, bucket_a));
    CHECK(f.last("room:b") == 1);
    CHECK(f.listener.gaps.empty());
    f.see({50});
    CHECK(f.last() == 50);
    CHECK(f.streams.hole_count() == 0);
    f.base(52);
    CHECK(f.holes() == Holes{{51, 52}});
}
