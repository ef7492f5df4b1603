#include "daemon/core/numbering.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "daemon/core/streams.hpp"
#include "tests/unit/made.hpp"

using namespace roost;
using namespace roost::test;

TEST_CASE("what moved is told once, by its last number") {
    Moved moved;
    moved.note(*made({1, 2}, 7));
    moved.note(*made({1, 2}, 8));
    moved.note(*made({1, 0}, 1));
    const auto marks = moved.take(10);
    REQUIRE(marks.size() == 2);
    CHECK(marks[0] == group::StreamMark{0, bucket_of("room:a"), 1});
    CHECK(marks[1] == group::StreamMark{2, bucket_of("room:a"), 8});
    CHECK(moved.take(10).empty());
}

TEST_CASE("marks beyond the most stay for the next time") {
    Moved moved;
    for (int i = 0; i < 5; ++i) moved.note(*made({1, static_cast<std::uint8_t>(i)}, 1));
    std::set<int> shards;
    for (const std::size_t expected : {2U, 2U, 1U, 0U}) {
        const auto marks = moved.take(2);
        CHECK(marks.size() == expected);
        for (const auto& mark : marks) shards.insert(mark.shard);
    }
    CHECK(shards.size() == 5);
}

TEST_CASE("an origin numbers its messages from 1 in each bucket") {
    Numbering numbering({1, 2}, bucket_bits_max);
    CHECK(numbering.publish({"room:a", "e", "{}", {}})->number() == 1);
    CHECK(numbering.publish({"room:a", "e", "{}", {}})->number() == 2);
    CHECK(numbering.publish({"room:b", "e", "{}", {}})->number() == 1);
    const auto third = numbering.publish({"room:a", "ev", R"({"a":1})", "id"});
    CHECK(third->number() == 3);
    CHECK(third->origin() == Origin{1, 2});
    CHECK(third->event() == "ev");
    CHECK(third->id() == "id");
}

TEST_CASE("with few interest bits topics share a bucket, and its numbers") {
    Numbering numbering({1, 0}, 8);
    std::map<Bucket, std::uint64_t> last;
    for (int i = 0; i < 1000; ++i) {
        const auto broadcast = numbering.publish({"room:" + std::to_string(i), "e", "{}", {}});
        CHECK(broadcast->bucket() < 256);
        CHECK(broadcast->number() == ++last[broadcast->bucket()]);
    }
    CHECK(last.size() > 200);
}
