#include "proto/beacon_seal.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "proto/beacon.hpp"

using namespace roost;

namespace {

const GroupKey first{1}, second{2}, foreign{3};
const Beacon beacon{7, false, "roost", {"10.0.0.1", 7370}};
const std::string plain = encode(beacon);
const BeaconSeal bare({}), old_seal({first}), both({second, first}), stranger({foreign});

}  // namespace

TEST_CASE("a sealed beacon is opened by whoever has the key, first or second") {
    const auto sealed = old_seal.seal(plain);
    CHECK(sealed.size() == plain.size() + beacon_code_bytes);
    for (const auto& seal : {old_seal, both}) {
        const auto opened = seal.open(sealed);
        CHECK(opened.objection.empty());
        CHECK(decode_beacon(opened.beacon) == beacon);
    }
    CHECK(old_seal.open(both.seal(plain)).objection == "its beacon has another group key");
}

TEST_CASE("a group without keys sends and takes bare beacons") {
    CHECK(bare.seal(plain) == plain);
    const auto opened = bare.open(plain);
    CHECK(opened.objection.empty());
    CHECK(decode_beacon(opened.beacon) == beacon);
}

TEST_CASE("a beacon with a key and a node without, and the other way round, do not go together") {
    const auto bare_one = old_seal.open(plain);
    CHECK(bare_one.objection == "its beacon has no group key");
    CHECK(decode_beacon(bare_one.beacon) == beacon);
    const auto sealed = old_seal.seal(plain);
    const auto sealed_one = bare.open(sealed);
    CHECK(sealed_one.objection == "its beacon has a group key, this node has none");
    CHECK(decode_beacon(sealed_one.beacon) == beacon);
    const auto foreign_one = stranger.open(sealed);
    CHECK(foreign_one.objection == "its beacon has another group key");
    CHECK(decode_beacon(foreign_one.beacon) == beacon);
}

TEST_CASE("a sealed beacon of which any bit is changed is not believed") {
    const auto sealed = old_seal.seal(plain);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        auto changed = sealed;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        CHECK_FALSE(old_seal.open(changed).objection.empty());
    }
}

TEST_CASE("a sealed beacon cut at any length, or with bytes behind it, is not believed") {
    const auto sealed = old_seal.seal(plain);
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        CHECK_FALSE(old_seal.open(sealed.substr(0, size)).objection.empty());
    }
    CHECK_FALSE(old_seal.open(sealed + "x").objection.empty());
    CHECK_FALSE(decode_beacon(bare.open(sealed.substr(0, sealed.size() - 1)).beacon));
}

TEST_CASE("the greatest beacon fits with its code") {
    const Beacon greatest{UINT64_MAX, true, std::string(64, 'g'), {std::string(253, 'h'), 65535}};
    CHECK(both.seal(encode(greatest)).size() <= beacon_bytes_max);
}

TEST_CASE("random datagrams are opened without harm") {
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes;
        for (auto size = random() % 80; size > 0; --size) {
            bytes.push_back(static_cast<char>(random()));
        }
        CHECK_FALSE(both.open(bytes).objection.empty());
    }
}
