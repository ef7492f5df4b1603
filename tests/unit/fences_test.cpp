#include "daemon/core/fences.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace roost;
using namespace std::chrono_literals;

namespace {

constexpr Incarnation self = 9;
Time at(Duration since) {
    return Time{since};
}

}  // namespace

TEST_CASE("each fence is named by its asker and a serial of its own") {
    Fences fences(self);
    const auto first = fences.open({1}, {}, at(1s)).id;
    const auto second = fences.open({1}, {}, at(1s)).id;
    CHECK(first.asker == self);
    CHECK(first.serial != 0);
    CHECK(second.serial != first.serial);
    CHECK(fences.size() == 2);
}

TEST_CASE("a fence is over with the last answer it waits for, and then is open no longer") {
    Fences fences(self);
    const auto id = fences.open({1, 2}, {7, 8}, at(1s)).id;
    CHECK_FALSE(fences.on_answer(id, 1));
    const auto over = fences.on_answer(id, 2);
    REQUIRE(over);
    CHECK(over->id == id);
    CHECK(over->buckets == std::vector<Bucket>{7, 8});
    CHECK(fences.size() == 0);
    CHECK_FALSE(fences.on_answer(id, 2));
}

TEST_CASE("answers that a fence does not wait for change nothing") {
    Fences fences(self);
    const auto id = fences.open({1, 2}, {}, at(1s)).id;
    CHECK_FALSE(fences.on_answer(id, 1));
    CHECK_FALSE(fences.on_answer(id, 1));
    CHECK_FALSE(fences.on_answer(id, 3));
    CHECK_FALSE(fences.on_answer({self, id.serial + 1}, 2));
    CHECK_FALSE(fences.on_answer({self + 1, id.serial}, 2));
    CHECK(fences.size() == 1);
    CHECK(fences.on_answer(id, 2));
}

TEST_CASE("a peer that has gone is waited for no longer") {
    Fences fences(self);
    const auto alone = fences.open({1}, {7}, at(1s)).id;
    const auto both = fences.open({1, 2}, {8}, at(1s)).id;
    fences.open({2}, {9}, at(1s));
    const auto over = fences.forget(1);
    REQUIRE(over.size() == 1);
    CHECK(over[0].id == alone);
    CHECK(fences.size() == 2);
    CHECK(fences.on_answer(both, 2));
    CHECK(fences.forget(3).empty());
}

TEST_CASE("a fence is over at its deadline and names whom it still waited for") {
    Fences fences(self);
    const auto id = fences.open({1, 2}, {7}, at(2s)).id;
    fences.open({1}, {8}, at(3s));
    CHECK_FALSE(fences.on_answer(id, 1));
    CHECK(fences.take_expired(at(1999ms)).empty());
    const auto over = fences.take_expired(at(2s));
    REQUIRE(over.size() == 1);
    CHECK(over[0].id == id);
    CHECK(over[0].awaited == std::set<Incarnation>{2});
    CHECK_FALSE(fences.on_answer(id, 2));
    CHECK(fences.size() == 1);
}

TEST_CASE("a peer whose link is proved is waited for by the fences opened since, not by others") {
    Fences fences(self);
    const auto before = fences.open({1}, {7}, at(1s)).id;
    const auto link = fences.open({2}, {}, at(1s)).id;
    const auto since = fences.open({1}, {8}, at(1s)).id;
    const auto other_link = fences.open({3}, {}, at(1s)).id;
    CHECK(fences.on_answer(link, 2));
    fences.await(2, link);
    CHECK(fences.on_answer(before, 1));
    CHECK_FALSE(fences.on_answer(since, 1));
    CHECK(fences.on_answer(since, 2));
    CHECK(fences.on_answer(other_link, 3));
    CHECK(fences.size() == 0);
}

TEST_CASE("the key of a fence names its buckets") {
    Fences fences(self);
    const Fence& fence = fences.open({1}, {7, 8}, at(1s));
    CHECK(fence.key() == group::FenceKey{fence.id, {7, 8}});
    CHECK(fences.open({1}, {}, at(1s)).key().buckets.empty());
}
