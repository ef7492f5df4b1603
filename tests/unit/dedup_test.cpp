#include "daemon/core/dedup.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace roost;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {
Time at(Duration since) {
    return Time{since};
}
}  // namespace

TEST_CASE("an id is new once within the window, and then again") {
    Dedup dedup(120s);
    CHECK(dedup.admit("room:a", "id", at(0s)));
    CHECK_FALSE(dedup.admit("room:a", "id", at(0s)));
    CHECK_FALSE(dedup.admit("room:a", "id", at(119'999ms)));
    CHECK(dedup.admit("room:a", "id", at(120s)));
    CHECK_FALSE(dedup.admit("room:a", "id", at(239s)));
    CHECK(dedup.size() == 1);
}

TEST_CASE("a repetition does not make the window longer") {
    Dedup dedup(10s);
    CHECK(dedup.admit("room:a", "id", at(0s)));
    CHECK_FALSE(dedup.admit("room:a", "id", at(9s)));
    CHECK(dedup.admit("room:a", "id", at(11s)));
}

TEST_CASE("a message without an id is always new, and costs nothing") {
    Dedup dedup(120s);
    for (int i = 0; i < 3; ++i) CHECK(dedup.admit("room:a", "", at(0s)));
    CHECK(dedup.size() == 0);
}

TEST_CASE("an id counts within its topic") {
    Dedup dedup(120s);
    CHECK(dedup.admit("room:a", "id", at(0s)));
    CHECK(dedup.admit("room:b", "id", at(0s)));
    CHECK(dedup.admit("room:", "aid", at(0s)));
    CHECK(dedup.admit("room:a", "id2", at(0s)));
    CHECK_FALSE(dedup.admit("room:b", "id", at(0s)));
    CHECK(dedup.size() == 4);
}

// A topic or an id may hold any character.
TEST_CASE("a topic and an id are not taken for another topic and id that read the same") {
    Dedup dedup(120s);
    CHECK(dedup.admit("a\0b"s, "c", at(0s)));
    CHECK(dedup.admit("a", "b\0c"s, at(0s)));
}

TEST_CASE("so many ids are remembered: the oldest goes first") {
    Dedup dedup(120s, 3);
    for (const auto* id : {"1", "2", "3", "4"}) CHECK(dedup.admit("room:a", id, at(0s)));
    CHECK(dedup.size() == 3);
    CHECK_FALSE(dedup.admit("room:a", "4", at(0s)));
    CHECK(dedup.admit("room:a", "1", at(0s)));
    CHECK(dedup.size() <= 3);
}

TEST_CASE("a repetition pushes no other id out") {
    Dedup dedup(120s, 3);
    for (const auto* id : {"1", "2", "3"}) CHECK(dedup.admit("room:a", id, at(0s)));
    for (int i = 0; i < 5; ++i) CHECK_FALSE(dedup.admit("room:a", "3", at(0s)));
    CHECK_FALSE(dedup.admit("room:a", "1", at(0s)));
    CHECK_FALSE(dedup.admit("room:a", "2", at(0s)));
    CHECK(dedup.size() == 3);
}

TEST_CASE("what is older than the window is given back, whatever comes next") {
    Dedup dedup(10s);
    for (int i = 0; i < 1000; ++i) CHECK(dedup.admit("room:a", std::to_string(i), at(0s)));
    CHECK(dedup.size() == 1000);
    CHECK(dedup.admit("room:b", "id", at(10s)));
    CHECK(dedup.size() == 1);
}
