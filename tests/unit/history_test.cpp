#include "daemon/core/history.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/made.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;

namespace {

using Positions = std::vector<std::string>;

const Origin a{1, 0}, b{2, 0};
const Bucket bucket_a = bucket_of("room:a");
const HistoryLimit many{1000, 1h};

Time at(Duration since) {
    return Time{} + 1h + since;
}

struct Fixture {
    explicit Fixture(std::size_t bytes_max = 1'000'000, const HistoryLimit& given = many)
        : history(bytes_max), limit(given) {}

    void add(const Origin& origin, std::uint64_t number, Duration since = 0s,
             std::string_view topic = "room:a", std::size_t bytes = 0) {
        const std::string payload = "{\"x\":\"" + std::string(bytes, 'x') + "\"}";
        history.add(made(origin, number, topic, payload), limit, at(since));
    }
    // "incarnation/number", in order.
    Positions kept(Duration since = 0s, std::string_view topic = "room:a") {
        Positions positions;
        history.expire(topic, at(since));
        for (const auto& kept : history.messages(topic)) {
            positions.push_back(std::to_string(kept.message->origin().incarnation) + "/" +
                                std::to_string(kept.message->number()));
        }
        return positions;
    }
    std::uint64_t floor(const Origin& origin, std::string_view topic = "room:a") const {
        const auto floor = history.floor(topic, origin);
        return floor ? floor->number : UINT64_MAX;
    }
    static History::Kept row(const Origin& origin, std::uint64_t number, Duration since) {
        return {made(origin, number), at(since)};
    }

    History history;
    HistoryLimit limit;
};

constexpr std::uint64_t none = UINT64_MAX;

}  // namespace

TEST_CASE("messages are kept in the order in which they came, topic by topic") {
    Fixture f;
    f.add(a, 1);
    f.add(b, 7);
    f.add(a, 1, 0s, "room:b");
    f.add(a, 2, 1s);
    CHECK(f.kept(1s) == Positions{"1/1", "2/7", "1/2"});
    CHECK(f.kept(1s, "room:b") == Positions{"1/1"});
    CHECK(f.kept(1s, "room:c").empty());
    CHECK(f.history.size() == 4);
    CHECK(f.history.topic_count() == 2);
    CHECK(f.floor(a) == none);  // the log has nothing to say
}

TEST_CASE("at most so many messages of a topic are kept, and the floor tells of the others") {
    Fixture f(1'000'000, {3, 1h});
    for (std::uint64_t number = 1; number <= 4; ++number) f.add(a, 2 * number, 1s * number);
    f.add(b, 9, 5s);
    CHECK(f.kept(5s) == Positions{"1/6", "1/8", "2/9"});
    CHECK(f.floor(a) == 4);
    CHECK(f.history.floor("room:a", a)->time == at(2s));
    CHECK(f.floor(b) == none);
    CHECK(f.history.size() == 3);
    CHECK(f.history.counters().evicted == 0);
}

TEST_CASE("a message that is too old is dropped at the next tick") {
    Fixture f(1'000'000, {10, 10s});
    f.add(a, 1, 0s);
    f.add(a, 2, 5s);
    CHECK(f.kept(9s).size() == 2);
    f.history.tick(at(9s));
    CHECK(f.history.size() == 2);
    f.history.tick(at(10s));
    CHECK(f.history.size() == 1);
    CHECK(f.floor(a) == 1);
    CHECK(f.history.floor("room:a", a)->time == at(0s));
    CHECK(f.history.counters().evicted == 0);
}

TEST_CASE("a log that has nothing any more is dropped, and what it knew is known of its bucket") {
    Fixture f(1'000'000, {10, 10s});
    f.add(a, 7, 0s);
    f.add(b, 3, 0s);
    f.history.tick(at(10s));
    CHECK(f.history.topic_count() == 0);
    CHECK(f.history.bytes() == 0);
    CHECK(f.floor(a) == none);
    REQUIRE(f.history.dropped(a, bucket_a));
    CHECK(f.history.dropped(a, bucket_a)->number == 7);
    CHECK(f.history.dropped(a, bucket_a)->time == at(0s));
    CHECK(f.history.dropped(b, bucket_a)->number == 3);
    CHECK_FALSE(f.history.dropped(a, bucket_of("room:b")));
    f.add(a, 9, 20s);
    f.history.tick(at(40s));
    CHECK(f.history.dropped(a, bucket_a)->number == 9);
    CHECK(f.history.dropped(b, bucket_a)->number == 3);
}

TEST_CASE("each tick does a bounded part of the work, and the next ones the rest") {
    Fixture f(100'000'000, {10, 10s});
    for (int i = 0; i < 2500; ++i) f.add(a, 1, 0s, "room:" + std::to_string(i));
    CHECK(f.history.topic_count() == 2500);
    f.history.tick(at(10s));
    CHECK(f.history.topic_count() > 0);
    for (int i = 0; i < 3; ++i) f.history.tick(at(10s));
    CHECK(f.history.topic_count() == 0);
    CHECK(f.history.bytes() == 0);
}

TEST_CASE("when memory is short the largest topic gives first, and the others lose nothing") {
    Fixture f(60'000);
    for (std::uint64_t number = 1; number <= 5; ++number) {
        f.add(a, number, 0s, "room:small");
        f.add(a, number, 0s, "room:b");
    }
    for (std::uint64_t number = 1; number <= 200; ++number) {
        f.add(a, number, 1s, "room:loud", 1000);
        REQUIRE(f.history.bytes() <= 60'000);
    }
    CHECK(f.kept(1s, "room:small").size() == 5);
    CHECK(f.kept(1s, "room:b").size() == 5);
    const auto loud = f.kept(1s, "room:loud");
    CHECK(loud.size() > 30);
    CHECK(loud.size() < 60);
    CHECK(loud.back() == "1/200");
    CHECK(f.floor(a, "room:loud") == 200 - loud.size());
    CHECK(f.floor(a, "room:small") == none);
    CHECK(f.history.counters().evicted == 200 - loud.size());
}

TEST_CASE("two loud topics share what there is") {
    Fixture f(60'000);
    for (std::uint64_t number = 1; number <= 100; ++number) f.add(a, number, 0s, "room:a", 1000);
    for (std::uint64_t number = 1; number <= 100; ++number) f.add(a, number, 0s, "room:b", 1000);
    const auto one = f.kept(0s, "room:a").size();
    const auto two = f.kept(0s, "room:b").size();
    CHECK(one + two > 30);
    CHECK(std::max(one, two) - std::min(one, two) <= 1);
}

TEST_CASE("a message that alone is beyond the memory empties the history, and no more") {
    Fixture f(10'000);
    f.add(a, 1);
    f.add(a, 2, 0s, "room:b", 20'000);
    CHECK(f.history.bytes() <= 10'000);
    CHECK(f.kept(0s, "room:b").empty());
    CHECK(f.kept() == Positions{"1/1"});
}

TEST_CASE("however many topics are only asked for, the memory is bounded") {
    Fixture f(100'000);
    for (int i = 0; i < 10'000; ++i) {
        const std::string topic = "room:" + std::to_string(i);
        f.history.set_fetched_view(topic, bucket_of(topic), many, 1);
    }
    CHECK(f.history.bytes() <= 100'000);
}

TEST_CASE("what peers kept is put in its place, once") {
    Fixture f;
    f.add(a, 3, 30s);
    f.add(b, 5, 50s);
    f.history.merge("room:a",
                    {Fixture::row(b, 4, 20s), Fixture::row(a, 3, 10s), Fixture::row(a, 1, 10s),
                     Fixture::row(b, 6, 40s), Fixture::row(b, 4, 20s)},
                    many, at(60s));
    CHECK(f.kept(60s) == Positions{"1/1", "2/4", "1/3", "2/5", "2/6"});
    CHECK(f.history.size() == 5);
    f.history.merge("room:a", {Fixture::row(a, 1, 10s)}, many, at(60s));
    CHECK(f.kept(60s).size() == 5);
    f.history.merge("room:b", {}, many, at(60s));
    CHECK(f.history.topic_count() == 1);
}

// Clocks and delays differ between nodes: the ages that peers tell are not the order of a stream.
TEST_CASE("merged messages of one origin stand in the order of their numbers, whatever their age") {
    Fixture f;
    for (std::uint64_t number : {10U, 11U, 12U}) f.add(a, number, 1s * number);
    f.history.merge("room:a",
                    {Fixture::row(a, 8, 59s), Fixture::row(a, 7, 3s), Fixture::row(a, 9, 1s),
                     Fixture::row(b, 1, 2s)},
                    many, at(60s));
    auto kept = f.kept(60s);
    CHECK(kept.size() == 7);
    std::erase(kept, "2/1");
    CHECK(kept == Positions{"1/7", "1/8", "1/9", "1/10", "1/11", "1/12"});
}

TEST_CASE("merging keeps to the limits of the topic and of the memory") {
    Fixture f(1'000'000, {3, 10s});
    f.add(a, 9, 9s);
    f.history.merge("room:a",
                    {Fixture::row(b, 1, -5s), Fixture::row(b, 2, 1s), Fixture::row(b, 3, 2s),
                     Fixture::row(b, 4, 3s)},
                    f.limit, at(10s));
    CHECK(f.kept(10s) == Positions{"2/3", "2/4", "1/9"});
    CHECK(f.floor(b) == 2);

    Fixture small(5'000);
    std::vector<History::Kept> rows;
    for (std::uint64_t number = 1; number <= 100; ++number) {
        rows.push_back(Fixture::row(b, number, 0s));
    }
    small.history.merge("room:a", rows, many, at(0s));
    CHECK(small.history.bytes() <= 5'000);
    CHECK(small.kept().back() == "2/100");
    CHECK(small.floor(b) == 100 - small.kept().size());
}

TEST_CASE("a floor is set for a topic that is kept, and told again") {
    Fixture f;
    f.history.set_floor("room:a", b, {5, at(1s), 9, true});
    CHECK(f.floor(b) == none);  // there is no such log
    f.add(a, 1);
    f.history.set_floor("room:a", b, {5, at(1s), 9, true});
    const auto floor = f.history.floor("room:a", b);
    REQUIRE(floor);
    CHECK(floor->number == 5);
    CHECK(floor->last == 9);
    CHECK(floor->is_hearsay);
    std::vector<Origin> told;
    f.history.for_each_floor(
        "room:a", [&](const Origin& origin, const History::Floor&) { told.push_back(origin); });
    CHECK(told == std::vector<Origin>{b});
}

TEST_CASE("what is known by hearsay only is not known of the bucket when its log is gone") {
    Fixture f(1'000'000, {10, 10s});
    f.add(a, 1);
    f.history.set_floor("room:a", b, {5, {}, 9, true});
    f.history.tick(at(10s));
    CHECK(f.history.dropped(a, bucket_a));
    CHECK_FALSE(f.history.dropped(b, bucket_a));
}

TEST_CASE("a gap raises the floor of every log of its bucket, and of no other") {
    Fixture f;
    f.add(a, 1);
    f.add(a, 1, 0s, "room:b");
    f.history.on_gap({b, bucket_a, 3, 5});
    f.history.on_gap({a, bucket_a, 2, 4});
    f.history.on_gap({a, bucket_a, 1, 2});
    CHECK(f.floor(a) == 4);
    CHECK(f.floor(b) == 5);
    CHECK(f.history.floor("room:a", a)->last == 4);
    CHECK_FALSE(f.history.floor("room:a", a)->time);
    CHECK(f.floor(a, "room:b") == none);
    CHECK(f.kept() == Positions{"1/1"});
}

TEST_CASE("an eviction below a gap leaves the floor at the gap, and its time unknown") {
    Fixture f(1'000'000, {2, 1h});
    f.add(a, 1, 0s);
    f.history.on_gap({a, bucket_a, 2, 8});
    f.add(a, 9, 100s);
    f.add(a, 10, 101s);
    CHECK(f.floor(a) == 8);
    CHECK_FALSE(f.history.floor("room:a", a)->time);  // 8 is not as old as 1
    f.add(a, 11, 102s);
    CHECK(f.floor(a) == 9);
    CHECK(f.history.floor("room:a", a)->time == at(100s));
}

TEST_CASE("a stream's messages are found across the topics of a bucket, in order") {
    // Two topics of one bucket.
    const unsigned bits = 8;
    std::string other;
    for (int i = 0; other.empty(); ++i) {
        const std::string name = "room:" + std::to_string(i);
        if (bucket_of(name, bits) == bucket_of("room:a", bits)) other = name;
    }
    History history(1'000'000);
    const auto add = [&](const Origin& origin, std::uint64_t number, std::string_view topic) {
        history.add(Broadcast::encode(origin, number, {topic, "ev", "{}", {}}, bits), many, at(0s));
    };
    add(a, 1, "room:a");
    add(a, 2, other);
    add(b, 2, "room:a");
    add(a, 4, "room:a");
    add(a, 5, other);
    const auto bucket = bucket_of("room:a", bits);
    const auto numbers = [&](std::uint64_t from, std::uint64_t to) {
        std::vector<std::uint64_t> found;
        for (const auto& message : history.stream(a, bucket, from, to)) {
            found.push_back(message->number());
        }
        return found;
    };
    CHECK(numbers(1, 9) == std::vector<std::uint64_t>{1, 2, 4, 5});
    CHECK(numbers(2, 4) == std::vector<std::uint64_t>{2, 4});
    CHECK(numbers(3, 3).empty());
    CHECK(history.stream(a, static_cast<Bucket>(bucket + 1), 1, 9).empty());
}

TEST_CASE("of a bucket that is left only what was published here stays") {
    Fixture f;
    f.add(a, 1);
    f.add(b, 1);
    f.add(b, 1, 0s, "room:b");
    f.history.on_gap({b, bucket_a, 2, 3});
    f.history.set_fetched_view("room:a", bucket_a, many, 4);
    f.history.forget_others(bucket_a, a.incarnation);
    CHECK(f.kept() == Positions{"1/1"});
    CHECK(f.floor(b) == none);
    CHECK(f.history.fetched_view("room:a") == 0);
    CHECK(f.kept(0s, "room:b") == Positions{"2/1"});
    f.history.forget_others(bucket_of("room:b"), a.incarnation);
    CHECK(f.history.topic_count() == 1);
    CHECK(f.history.size() == 1);
}

TEST_CASE("what was dropped of a left bucket is forgotten of the others, not of this node") {
    Fixture f(1'000'000, {10, 10s});
    f.add(a, 7);
    f.add(b, 3);
    f.history.tick(at(10s));
    f.history.forget_others(bucket_a, a.incarnation);
    CHECK(f.history.dropped(a, bucket_a)->number == 7);
    CHECK_FALSE(f.history.dropped(b, bucket_a));
}

TEST_CASE("of an incarnation that is forgotten no floor is left") {
    Fixture f(1'000'000, {10, 10s});
    f.add(b, 3);
    f.history.tick(at(10s));
    f.add(a, 8, 11s);
    f.history.on_gap({{2, 9}, bucket_a, 1, 2});
    f.history.on_gap({a, bucket_a, 1, 2});
    f.history.forget_floors(2);
    CHECK_FALSE(f.history.dropped(b, bucket_a));
    CHECK(f.floor({2, 9}) == none);
    CHECK(f.floor(a) == 2);
}

TEST_CASE("in which view a topic was asked for is known as long as its log is there") {
    Fixture f(1'000'000, {10, 10s});
    CHECK(f.history.fetched_view("room:a") == 0);
    f.history.set_fetched_view("room:a", bucket_a, f.limit, 3);
    CHECK(f.history.fetched_view("room:a") == 3);
    f.add(a, 1);
    CHECK(f.history.fetched_view("room:a") == 3);
    f.history.tick(at(10s));
    CHECK(f.history.fetched_view("room:a") == 0);
}

TEST_CASE("what the history says it holds is what it holds, after anything") {
    Fixture f(20'000, {20, 30s});
    unsigned seed = 1;
    const auto pick = [&](unsigned below) {
        return (seed = seed * 1103515245 + 12345) / 65536 % below;
    };
    std::uint64_t number = 0;
    for (int i = 0; i < 5000; ++i) {
        const Duration since = 100ms * i;
        const std::string topic = "room:" + std::to_string(pick(5));
        switch (pick(8)) {
            case 0: f.history.tick(at(since)); break;
            case 1: f.history.forget_others(bucket_of(topic), a.incarnation); break;
            case 2: {
                std::vector<History::Kept> rows;
                for (unsigned n = 0; n < pick(5); ++n) {
                    rows.push_back({made(b, pick(100) + 1, topic), at(since) - 1s * pick(40)});
                }
                f.history.merge(topic, rows, f.limit, at(since));
                break;
            }
            case 3: f.history.on_gap({a, bucket_of(topic), number, number + 1}); break;
            default: f.add(pick(2) ? a : b, ++number, since, topic, pick(900));
        }
        REQUIRE(f.history.bytes() <= 20'000);
        std::size_t kept = 0;
        for (int t = 0; t < 5; ++t) kept += f.history.messages("room:" + std::to_string(t)).size();
        REQUIRE(kept <= f.history.size());
    }
    f.history.tick(at(10h));
    for (int i = 0; i < 5; ++i) {
        const std::string topic = "room:" + std::to_string(i);
        f.history.forget_others(bucket_of(topic), a.incarnation);
    }
    CHECK(f.history.size() == 0);
    CHECK(f.history.topic_count() == 0);
    CHECK(f.history.bytes() == 0);
}
