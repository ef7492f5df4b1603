#include "daemon/core/repair_buffer.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>

#include "tests/unit/made.hpp"

using namespace roost;
using namespace roost::test;

namespace {

const Bucket bucket_a = bucket_of("room:a");
const Bucket bucket_b = bucket_of("room:b");
const std::size_t cost = made({1, 0}, 1)->wire().size() + RepairBuffer::overhead_bytes;

std::uint64_t found(const RepairBuffer& buffer, std::uint8_t shard, Bucket bucket,
                    std::uint64_t number) {
    const auto message = buffer.find(shard, bucket, number);
    if (!message) return 0;
    CHECK(message->origin().shard == shard);
    CHECK(message->bucket() == bucket);
    return message->number();
}

}  // namespace

TEST_CASE("an empty buffer has nothing, and its streams stand at 0") {
    const RepairBuffer buffer(1000);
    CHECK_FALSE(buffer.find(0, bucket_a, 0));
    CHECK_FALSE(buffer.find(0, bucket_a, 1));
    CHECK(buffer.first(0, bucket_a) == 1);
    CHECK(buffer.last(0, bucket_a) == 0);
    std::vector<group::StreamMark> marks;
    buffer.append_marks(bucket_a, marks);
    CHECK(marks.empty());
    CHECK(buffer.bytes() == 0);
}

TEST_CASE("what was published is found by its stream and number") {
    RepairBuffer buffer(100 * cost);
    for (std::uint64_t number = 1; number <= 5; ++number) buffer.add(made({1, 0}, number));
    buffer.add(made({1, 3}, 1));
    buffer.add(made({1, 0}, 1, "room:b"));
    for (std::uint64_t number = 1; number <= 5; ++number) {
        CHECK(found(buffer, 0, bucket_a, number) == number);
    }
    CHECK_FALSE(buffer.find(0, bucket_a, 0));
    CHECK_FALSE(buffer.find(0, bucket_a, 6));
    CHECK_FALSE(buffer.find(0, bucket_a, UINT64_MAX));
    CHECK_FALSE(buffer.find(1, bucket_a, 1));
    CHECK(found(buffer, 3, bucket_a, 1) == 1);
    CHECK(found(buffer, 0, bucket_b, 1) == 1);
    CHECK(buffer.first(0, bucket_a) == 1);
    CHECK(buffer.last(0, bucket_a) == 5);
    CHECK(buffer.size() == 7);
    CHECK(buffer.bytes() == 7 * cost);
}

TEST_CASE("beyond its bytes the oldest goes first, of whatever stream it is") {
    RepairBuffer buffer(4 * cost);
    buffer.add(made({1, 0}, 1));
    buffer.add(made({1, 0}, 1, "room:b"));
    buffer.add(made({1, 0}, 2));
    buffer.add(made({1, 0}, 3));
    CHECK(buffer.size() == 4);
    buffer.add(made({1, 0}, 2, "room:b"));
    CHECK(buffer.size() == 4);
    CHECK(buffer.bytes() == 4 * cost);
    CHECK_FALSE(buffer.find(0, bucket_a, 1));
    CHECK(buffer.first(0, bucket_a) == 2);
    CHECK(found(buffer, 0, bucket_a, 2) == 2);
    CHECK(found(buffer, 0, bucket_a, 3) == 3);
    CHECK(found(buffer, 0, bucket_b, 1) == 1);
    buffer.add(made({1, 0}, 4));
    CHECK_FALSE(buffer.find(0, bucket_b, 1));
    CHECK(buffer.first(0, bucket_b) == 2);
    CHECK(found(buffer, 0, bucket_b, 2) == 2);
}

TEST_CASE("a stream of which nothing is kept any more still knows where it stands") {
    RepairBuffer buffer(2 * cost);
    buffer.add(made({1, 0}, 1));
    buffer.add(made({1, 0}, 1, "room:b"));
    buffer.add(made({1, 0}, 2, "room:b"));
    CHECK_FALSE(buffer.find(0, bucket_a, 1));
    CHECK(buffer.first(0, bucket_a) == 2);
    CHECK(buffer.last(0, bucket_a) == 1);
    std::vector<group::StreamMark> marks;
    buffer.append_marks(bucket_a, marks);
    CHECK(marks == std::vector<group::StreamMark>{{0, bucket_a, 1}});
    buffer.add(made({1, 0}, 2));
    CHECK(found(buffer, 0, bucket_a, 2) == 2);
    CHECK_FALSE(buffer.find(0, bucket_a, 1));
    CHECK(buffer.first(0, bucket_a) == 2);
}

TEST_CASE("numbers that were passed over are not kept, and do no harm to the others") {
    RepairBuffer buffer(4 * cost);
    buffer.add(made({1, 0}, 2));
    buffer.add(made({1, 0}, 5));
    buffer.add(made({1, 0}, 6));
    buffer.add(made({1, 0}, 9));
    CHECK(buffer.first(0, bucket_a) == 2);
    for (const std::uint64_t number : {1U, 3U, 4U, 7U, 8U, 10U}) {
        CHECK_FALSE(buffer.find(0, bucket_a, number));
    }
    for (const std::uint64_t number : {2U, 5U, 6U, 9U}) {
        CHECK(found(buffer, 0, bucket_a, number) == number);
    }
    buffer.add(made({1, 0}, 10));
    buffer.add(made({1, 0}, 12));
    CHECK(buffer.size() == 4);
    for (const std::uint64_t number : {2U, 5U, 11U}) {
        CHECK_FALSE(buffer.find(0, bucket_a, number));
    }
    for (const std::uint64_t number : {6U, 9U, 10U, 12U}) {
        CHECK(found(buffer, 0, bucket_a, number) == number);
    }
    CHECK(buffer.first(0, bucket_a) <= 6);
}

TEST_CASE("a message that alone is too big is not kept, but counts") {
    RepairBuffer buffer(cost);
    buffer.add(made({1, 0}, 1));
    buffer.add(made({1, 0}, 2, "room:a", "{\"a\":\"" + std::string(cost, 'x') + "\"}"));
    CHECK(buffer.size() == 0);
    CHECK(buffer.bytes() == 0);
    CHECK(buffer.last(0, bucket_a) == 2);
    CHECK(buffer.first(0, bucket_a) == 3);
    CHECK_FALSE(buffer.find(0, bucket_a, 1));
    CHECK_FALSE(buffer.find(0, bucket_a, 2));
    buffer.add(made({1, 0}, 3));
    CHECK(found(buffer, 0, bucket_a, 3) == 3);
}

TEST_CASE("the marks of a bucket are told of every shard that has published in it") {
    RepairBuffer buffer(100 * cost);
    buffer.add(made({1, 5}, 1));
    buffer.add(made({1, 0}, 1));
    buffer.add(made({1, 0}, 2));
    buffer.add(made({1, 2}, 1, "room:b"));
    buffer.add(made({1, 255}, 1));
    std::vector<group::StreamMark> marks;
    buffer.append_marks(bucket_a, marks);
    buffer.append_marks(bucket_b, marks);
    CHECK(marks == std::vector<group::StreamMark>{
                       {0, bucket_a, 2}, {5, bucket_a, 1}, {255, bucket_a, 1}, {2, bucket_b, 1}});
}

TEST_CASE("whatever is published, exactly the newest that fit are found") {
    std::mt19937 random(5);
    constexpr std::size_t kept_max = 100;
    RepairBuffer buffer(kept_max * cost);
    using Key = std::pair<std::uint8_t, Bucket>;
    std::map<Key, std::uint64_t> last;
    std::deque<std::pair<Key, std::uint64_t>> kept;
    for (int i = 0; i < 20'000; ++i) {
        const auto shard = static_cast<std::uint8_t>(random() % 3);
        // One stream is busy, the others are not; some numbers are passed over.
        const std::string topic = random() % 3 > 0 ? "room:a" : std::string("room:b");
        const Key key{shard, bucket_of(topic)};
        const std::uint64_t number = last[key] += random() % 10 == 0 ? 3 : 1;
        buffer.add(made({1, shard}, number, topic));
        kept.emplace_back(key, number);
        if (kept.size() > kept_max) kept.pop_front();
        REQUIRE(buffer.size() == kept.size());
        if (i % 100 != 0) continue;
        std::map<Key, std::size_t> found_in;
        for (const auto& [stream, end] : last) {
            REQUIRE(buffer.last(stream.first, stream.second) == end);
            const auto first = buffer.first(stream.first, stream.second);
            for (std::uint64_t n = end > 300 ? end - 300 : 0; n <= end + 2; ++n) {
                const bool is_found = buffer.find(stream.first, stream.second, n) != nullptr;
                if (is_found) REQUIRE(n >= first);
                found_in[stream] += is_found;
            }
        }
        std::map<Key, std::size_t> kept_of;
        for (const auto& [stream, n] : kept) {
            ++kept_of[stream];
            REQUIRE(found(buffer, stream.first, stream.second, n) == n);
        }
        for (const auto& [stream, count] : found_in) REQUIRE(count == kept_of[stream]);
    }
}
