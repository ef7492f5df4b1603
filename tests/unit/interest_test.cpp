#include "daemon/core/interest.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

using namespace roost;
using namespace std::chrono_literals;

namespace {

Time at(Duration since) {
    return Time{since};
}
using Wanted = Interest::Wanted;

std::vector<Holder> holders(const Interest& interest, Bucket bucket) {
    std::vector<Holder> found;
    interest.for_each_holder(bucket, [&](Holder holder) { found.push_back(holder); });
    return found;
}

}  // namespace

TEST_CASE("the first wish for a bucket is new, the others wait for the same answer") {
    Interest interest(30s);
    CHECK(interest.want(3, 7, 100) == Wanted::is_new);
    CHECK(interest.want(1, 7, 200) == Wanted::is_pending);
    CHECK(interest.want(1, 8, 201) == Wanted::is_new);
    CHECK(interest.contains(7));
    CHECK(interest.size() == 2);

    const auto waiters = interest.make_live(7);
    REQUIRE(waiters.size() == 2);
    CHECK(waiters[0].holder == 3);
    CHECK(waiters[0].ticket == 100);
    CHECK(waiters[1].holder == 1);
    CHECK(waiters[1].ticket == 200);
    CHECK(interest.make_live(7).empty());
}

TEST_CASE("a live bucket waits for nothing") {
    Interest interest(30s);
    interest.want(0, 7, 1);
    interest.make_live(7);
    CHECK(interest.want(1, 7, 2) == Wanted::is_live);
    CHECK(interest.make_live(7).empty());
}

TEST_CASE("a bucket's holders are told in order, up to the last one there can be") {
    Interest interest(30s);
    for (const Holder holder : {Holder{64}, Holder{0}, Holder{5}}) interest.want(holder, 7, 1);
    CHECK(holders(interest, 7) == std::vector<Holder>{0, 5, 64});
    interest.release(5, 7, at(0s));
    CHECK(holders(interest, 7) == std::vector<Holder>{0, 64});
    CHECK(holders(interest, 8).empty());
}

TEST_CASE("who has released a bucket waits for it no longer") {
    Interest interest(30s);
    interest.want(0, 7, 1);
    interest.want(1, 7, 2);
    interest.release(0, 7, at(0s));
    const auto waiters = interest.make_live(7);
    REQUIRE(waiters.size() == 1);
    CHECK(waiters[0].holder == 1);
}

TEST_CASE("a bucket that nobody wants any more lingers, and has no holders meanwhile") {
    Interest interest(30s);
    interest.want(0, 7, 1);
    interest.make_live(7);
    interest.release(0, 7, at(10s));
    CHECK(holders(interest, 7).empty());
    CHECK(interest.take_lingered(at(39s)).empty());
    CHECK(interest.contains(7));
    CHECK(interest.take_lingered(at(40s)) == std::vector<Bucket>{7});
    CHECK_FALSE(interest.contains(7));
    CHECK(interest.take_lingered(at(100s)).empty());
    CHECK(interest.want(0, 7, 2) == Wanted::is_new);
}

TEST_CASE("a bucket wanted again while it lingers is live at once and stays") {
    Interest interest(30s);
    interest.want(0, 7, 1);
    interest.make_live(7);
    interest.release(0, 7, at(0s));
    CHECK(interest.want(1, 7, 2) == Wanted::is_live);
    CHECK(interest.take_lingered(at(100s)).empty());
    CHECK(interest.contains(7));
}

TEST_CASE("the linger begins anew with the last release") {
    Interest interest(30s);
    interest.want(0, 7, 1);
    interest.release(0, 7, at(0s));
    interest.want(0, 7, 2);
    interest.release(0, 7, at(20s));
    CHECK(interest.take_lingered(at(30s)).empty());
    CHECK(interest.take_lingered(at(50s)) == std::vector<Bucket>{7});
}

TEST_CASE("a bucket still held by one is not released by another") {
    Interest interest(30s);
    interest.want(0, 7, 1);
    interest.want(1, 7, 2);
    interest.release(0, 7, at(0s));
    CHECK(interest.take_lingered(at(100s)).empty());
}

TEST_CASE("make_live of a bucket that is not there does nothing") {
    Interest interest(30s);
    CHECK(interest.make_live(7).empty());
    CHECK_FALSE(interest.contains(7));
}

TEST_CASE("a shard's bucket is wanted from its first channel to its last") {
    LocalInterest local;
    const auto first = local.add(7);
    CHECK(first.is_first);
    CHECK_FALSE(first.is_live);
    const auto second = local.add(7);
    CHECK_FALSE(second.is_first);
    CHECK(second.ticket == first.ticket);
    CHECK_FALSE(local.is_live(7));
    CHECK(local.make_live(7, first.ticket));
    CHECK(local.is_live(7));
    CHECK(local.add(7).is_live);
    CHECK_FALSE(local.remove(7));
    CHECK_FALSE(local.remove(7));
    CHECK(local.remove(7));
    CHECK_FALSE(local.is_live(7));
    CHECK(local.size() == 0);
}

TEST_CASE("a late answer to an earlier wish is not taken for the present one") {
    LocalInterest local;
    const auto earlier = local.add(7);
    CHECK(local.remove(7));
    CHECK_FALSE(local.make_live(7, earlier.ticket));
    const auto present = local.add(7);
    CHECK(present.ticket != earlier.ticket);
    CHECK_FALSE(local.make_live(7, earlier.ticket));
    CHECK_FALSE(local.is_live(7));
    CHECK(local.make_live(7, present.ticket));
}

TEST_CASE("the buckets that are wanted, and those that linger, are told") {
    Interest interest(30s);
    for (const Bucket bucket : {Bucket{7}, Bucket{3}, Bucket{65535}}) interest.want(0, bucket, 1);
    interest.release(0, 3, at(0s));
    auto buckets = interest.buckets();
    std::sort(buckets.begin(), buckets.end());
    CHECK(buckets == std::vector<Bucket>{3, 7, 65535});
    (void)interest.take_lingered(at(30s));
    CHECK(interest.buckets().size() == 2);
}
