#include "daemon/core/wanted_buckets.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace roost;
using namespace std::string_literals;

TEST_CASE("a bucket is wanted from its first subscription to the end of its last") {
    const auto wanted = std::make_unique<WantedBuckets>();
    CHECK_FALSE(wanted->has(0x0203));
    wanted->on_event("\1\1\2\3"s);
    CHECK(wanted->has(0x0203));
    CHECK_FALSE(wanted->has(0x0302));
    wanted->on_event("\1\1\0\0"s);
    CHECK(wanted->has(0));
    wanted->on_event("\0\1\2\3"s);
    CHECK_FALSE(wanted->has(0x0203));
    CHECK(wanted->has(0));
}

TEST_CASE("other keys than those of broadcasts are none of its business") {
    const auto wanted = std::make_unique<WantedBuckets>();
    for (const auto& event : {""s, "\1\2"s, "\1\2\2\3"s, "\1\xff\0\0"s, "\0\2"s}) {
        wanted->on_event(event);
    }
    CHECK_FALSE(wanted->has(0x0203));
    CHECK_FALSE(wanted->has(0));
}

TEST_CASE("who subscribes to more or less than a bucket gets whatever matches") {
    for (const auto& key : {""s, "\1"s, "\1\2"s, "\1\2\3\4"s}) {
        const auto wanted = std::make_unique<WantedBuckets>();
        wanted->on_event("\1" + key);
        CHECK(wanted->has(0x0203));
        wanted->on_event("\0"s + key);
        CHECK_FALSE(wanted->has(0x0203));
        wanted->on_event("\0"s + key);
        CHECK_FALSE(wanted->has(0x0203));
    }
}
