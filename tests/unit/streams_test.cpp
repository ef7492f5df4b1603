#include "daemon/core/streams.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "daemon/core/numbering.hpp"

using namespace roost;

namespace {

BroadcastRef message(Incarnation peer, std::uint8_t shard, std::uint64_t number,
                     std::string_view topic = "room:a") {
    return Broadcast::encode({peer, shard}, number, topic, "e", "{}");
}

struct Fixture {
    Streams::Seen see(std::uint64_t number, std::string_view topic = "room:a") {
        return streams.on_broadcast(*message(1, 0, number, topic));
    }
    std::uint64_t mark(std::uint64_t number, std::string_view topic = "room:a") {
        return streams.on_mark(1, {0, bucket_of(topic), number});
    }

    Streams streams;
};

}  // namespace

TEST_CASE("the first message of a stream is where it begins") {
    Fixture f;
    const auto seen = f.see(41);
    CHECK(seen.is_new);
    CHECK(seen.missed == 0);
}

TEST_CASE("numbers in a row miss nothing, a jump tells how many were skipped") {
    Fixture f;
    f.see(1);
    CHECK(f.see(2).missed == 0);
    const auto jump = f.see(6);
    CHECK(jump.is_new);
    CHECK(jump.missed == 3);
    CHECK(f.see(7).missed == 0);
}

TEST_CASE("a number seen before is a repetition") {
    Fixture f;
    f.see(1);
    f.see(2);
    CHECK_FALSE(f.see(2).is_new);
    CHECK_FALSE(f.see(1).is_new);
    CHECK(f.see(3).is_new);
}

TEST_CASE("peers, shards and buckets have streams of their own") {
    Streams streams;
    CHECK(streams.on_broadcast(*message(1, 0, 5)).is_new);
    CHECK(streams.on_broadcast(*message(2, 0, 5)).is_new);
    CHECK(streams.on_broadcast(*message(1, 1, 5)).is_new);
    CHECK(streams.on_broadcast(*message(1, 0, 5, "room:b")).is_new);
    CHECK(streams.on_broadcast(*message(1, 255, 9)).missed == 0);
    CHECK(streams.size() == 5);
    CHECK_FALSE(streams.on_broadcast(*message(1, 1, 5)).is_new);
}

TEST_CASE("a mark reveals the messages at the end that never came, once") {
    Fixture f;
    f.see(3);
    CHECK(f.mark(3) == 0);
    CHECK(f.mark(2) == 0);
    CHECK(f.mark(5) == 2);
    CHECK(f.mark(5) == 0);
    CHECK(f.see(6).missed == 0);
}

TEST_CASE("a mark of a stream that was never heard reveals nothing") {
    Fixture f;
    CHECK(f.mark(5) == 0);
    f.see(6);
    CHECK(f.mark(9, "room:b") == 0);
    CHECK(f.streams.on_mark(2, {0, bucket_of("room:a"), 9}) == 0);
    CHECK(f.streams.on_mark(1, {1, bucket_of("room:a"), 9}) == 0);
}

TEST_CASE("a forgotten bucket begins anew, for every peer, and only it") {
    Fixture f;
    f.see(1);
    f.see(1, "room:b");
    f.streams.on_broadcast(*message(2, 3, 1));
    f.streams.forget(bucket_of("room:a"));
    CHECK(f.streams.size() == 1);
    CHECK(f.see(50).missed == 0);
    CHECK(f.see(3, "room:b").missed == 1);
}

TEST_CASE("of a forgotten peer nothing is kept") {
    Fixture f;
    f.see(1);
    f.streams.on_broadcast(*message(2, 0, 1));
    f.streams.forget(Incarnation{1});
    CHECK(f.streams.size() == 1);
    CHECK(f.mark(9) == 0);
}

TEST_CASE("what moved is told once, by its last number") {
    Moved moved;
    moved.note(*message(1, 2, 7));
    moved.note(*message(1, 2, 8));
    moved.note(*message(1, 0, 1));
    const auto marks = moved.take(10);
    REQUIRE(marks.size() == 2);
    CHECK(marks[0] == group::StreamMark{0, bucket_of("room:a"), 1});
    CHECK(marks[1] == group::StreamMark{2, bucket_of("room:a"), 8});
    CHECK(moved.take(10).empty());
}

TEST_CASE("marks beyond the most stay for the next time") {
    Moved moved;
    for (int i = 0; i < 5; ++i) moved.note(*message(1, static_cast<std::uint8_t>(i), 1));
    std::set<int> shards;
    for (const std::size_t expected : {2U, 2U, 1U, 0U}) {
        const auto marks = moved.take(2);
        CHECK(marks.size() == expected);
        for (const auto& mark : marks) shards.insert(mark.shard);
    }
    CHECK(shards.size() == 5);
}

TEST_CASE("an origin numbers its messages from 1 in each bucket") {
    Numbering numbering({1, 2});
    CHECK(numbering.publish("room:a", "e", "{}")->number() == 1);
    CHECK(numbering.publish("room:a", "e", "{}")->number() == 2);
    CHECK(numbering.publish("room:b", "e", "{}")->number() == 1);
    const auto third = numbering.publish("room:a", "ev", R"({"a":1})");
    CHECK(third->number() == 3);
    CHECK(third->origin() == Origin{1, 2});
    CHECK(third->event() == "ev");
}
