#include "proto/beacon.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace roost;
using namespace std::string_literals;

namespace {

const Beacon hello{0x0102030405060708, false, "roost", {"10.0.0.1", 7370}};
const std::string hello_bytes =
    "RSTB\x01\x00\x01\x02\x03\x04\x05\x06\x07\x08\x1C\xCA\x05roost\x08"s + "10.0.0.1";

}  // namespace

TEST_CASE("a beacon has the bytes that its header draws") {
    CHECK(encode(hello) == hello_bytes);
    Beacon goodbye = hello;
    goodbye.goodbye = true;
    goodbye.router.host.clear();
    CHECK(encode(goodbye) == "RSTB\x01\x01\x01\x02\x03\x04\x05\x06\x07\x08\x1C\xCA\x05roost\x00"s);
}

TEST_CASE("a beacon is read as it was written") {
    CHECK(decode_beacon(hello_bytes) == hello);
    for (const auto& host : {""s, "::1"s, "web-1.example.net"s, std::string(253, 'h')}) {
        const Beacon beacon{UINT64_MAX, true, std::string(64, 'g'), {host, 65535}};
        CHECK(encode(beacon).size() <= beacon_bytes_max);
        CHECK(decode_beacon(encode(beacon)) == beacon);
    }
}

TEST_CASE("a beacon cut at any length is none, nor is one with bytes behind it") {
    for (std::size_t size = 0; size < hello_bytes.size(); ++size) {
        CHECK_FALSE(decode_beacon(hello_bytes.substr(0, size)));
    }
    CHECK_FALSE(decode_beacon(hello_bytes + "x"));
}

TEST_CASE("another program's datagram and another version's beacon are none") {
    auto bytes = hello_bytes;
    bytes[0] = 'Z';
    CHECK_FALSE(decode_beacon(bytes));
    bytes = hello_bytes;
    bytes[4] = 2;
    CHECK_FALSE(decode_beacon(bytes));
}

TEST_CASE("a beacon without a group or a port is none") {
    Beacon beacon = hello;
    beacon.group.clear();
    CHECK_FALSE(decode_beacon(encode(beacon)));
    beacon = hello;
    beacon.group.assign(65, 'g');
    CHECK_FALSE(decode_beacon(encode(beacon)));
    beacon = hello;
    beacon.router.port = 0;
    CHECK_FALSE(decode_beacon(encode(beacon)));
}

TEST_CASE("random datagrams behind the magic do no harm") {
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = "RSTB\x01";
        for (auto size = random() % 60; size > 0; --size) {
            bytes.push_back(static_cast<char>(random()));
        }
        if (const auto beacon = decode_beacon(bytes)) {
            CHECK(decode_beacon(encode(*beacon)) == beacon);
        }
    }
}
