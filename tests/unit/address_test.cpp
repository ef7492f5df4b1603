#include "proto/address.hpp"

#include <catch2/catch.hpp>

#include "daemon/core/client_address.hpp"

using namespace roost;

namespace {

Address address(std::string_view text) {
    const auto parsed = parse_address(text);
    REQUIRE(parsed);
    return *parsed;
}

AddressBlock block(std::string_view text) {
    const auto parsed = parse_address_block(text);
    REQUIRE(parsed);
    return *parsed;
}

Address local() {
    Address unix_peer;
    unix_peer.family = Address::Family::local;
    return unix_peer;
}

}  // namespace

TEST_CASE("an address is read, and written as it was") {
    for (const auto* text : {"192.0.2.7", "0.0.0.0", "::", "::1", "2001:db8::7"}) {
        CHECK(address(text).text() == text);
    }
    CHECK(Address{}.text() == "unknown");
    CHECK(local().text() == "unix");
}

TEST_CASE("IPv4 inside IPv6 is that IPv4 address") {
    CHECK(address("::ffff:192.0.2.7") == address("192.0.2.7"));
    CHECK(address_of_bytes(std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01", 16)) ==
          address("10.0.0.1"));
    CHECK(address_of_bytes(std::string("\x0a\0\0\x01", 4)) == address("10.0.0.1"));
    CHECK(address_of_bytes("abc").family == Address::Family::unknown);
}

TEST_CASE("what is no address is none") {
    for (const auto* text :
         {"", "localhost", "192.0.2", "192.0.2.256", "192.0.2.7:80", "[::1]", "::1%lo", " 1.2.3.4",
          "1.2.3.4 ", "2001:db8::7::", "0x7f000001", "1.2.3.4.5"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_address(text));
    }
    CHECK_FALSE(parse_address(std::string("1.2.3.4\0", 8)));
    CHECK_FALSE(parse_address(std::string(5000, '1')));
}

TEST_CASE("a block contains the addresses of its prefix, of its own family") {
    CHECK(block("10.0.0.0/8").contains(address("10.255.1.2")));
    CHECK_FALSE(block("10.0.0.0/8").contains(address("11.0.0.0")));
    CHECK(block("10.1.2.128/25").contains(address("10.1.2.128")));
    CHECK_FALSE(block("10.1.2.128/25").contains(address("10.1.2.127")));
    CHECK(block("2001:db8::/33").contains(address("2001:db8:7fff::1")));
    CHECK_FALSE(block("2001:db8::/33").contains(address("2001:db8:8000::1")));
    CHECK(block("0.0.0.0/0").contains(address("192.0.2.7")));
    CHECK_FALSE(block("0.0.0.0/0").contains(address("::1")));
    CHECK_FALSE(block("::/0").contains(address("192.0.2.7")));
    CHECK_FALSE(block("0.0.0.0/0").contains(local()));
    CHECK(block("192.0.2.7").contains(address("192.0.2.7")));
    CHECK_FALSE(block("192.0.2.7").contains(address("192.0.2.6")));
    CHECK(block("10.0.0.0/8").contains(address("::ffff:10.1.1.1")));
}

TEST_CASE("what is no block is refused in a sentence") {
    for (const auto* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                             "::/129", "10.0.0.0/8/8", "example.com", "10.0.0/8", "*"}) {
        CAPTURE(text);
        const auto parsed = parse_address_block(text);
        REQUIRE_FALSE(parsed);
        CHECK_FALSE(parsed.error().empty());
    }
    const auto slip = parse_address_block("10.1.2.3/8");
    REQUIRE_FALSE(slip);
    CHECK(slip.error() == "has bits beyond its length: did you mean 10.0.0.0/8?");
}

TEST_CASE("without trust the peer is the client, whatever is forwarded") {
    const TrustedProxies nobody;
    CHECK(nobody.client_of(address("192.0.2.7"), "10.0.0.1") == address("192.0.2.7"));
    CHECK(nobody.client_of(local(), "10.0.0.1") == local());
    const TrustedProxies others({block("10.0.0.0/8")}, false);
    CHECK(others.client_of(address("192.0.2.7"), "198.51.100.1") == address("192.0.2.7"));
    CHECK(others.client_of(local(), "198.51.100.1") == local());
}

TEST_CASE("of a trusted proxy the rightmost address that is no trusted proxy is the client") {
    const TrustedProxies proxies({block("10.0.0.0/8"), block("2001:db8:1::/48")}, false);
    const Address peer = address("10.0.0.1");
    const auto client = [&](std::string_view header) { return proxies.client_of(peer, header); };
    CHECK(client("198.51.100.1") == address("198.51.100.1"));
    CHECK(client("203.0.113.9, 198.51.100.1") == address("198.51.100.1"));
    CHECK(client("203.0.113.9,198.51.100.1 , 10.2.2.2") == address("198.51.100.1"));
    CHECK(client("203.0.113.9, 198.51.100.1, 2001:db8:1::5, 10.2.2.2") == address("198.51.100.1"));
    CHECK(client("2001:db8:2::5") == address("2001:db8:2::5"));
    CHECK(client("198.51.100.1:4711") == address("198.51.100.1"));
    CHECK(client("[2001:db8:2::5]:4711, 10.2.2.2") == address("2001:db8:2::5"));
    CHECK(client("[2001:db8:2::5]") == address("2001:db8:2::5"));
    // Nobody but proxies: the farthest one.
    CHECK(client("10.9.9.9, 10.2.2.2") == address("10.9.9.9"));
    CHECK(client("") == peer);
    CHECK(client("  ") == peer);
}

TEST_CASE("where an entry is no address, the proxy that passed it on is the client") {
    const TrustedProxies proxies({block("10.0.0.0/8")}, false);
    const Address peer = address("10.0.0.1");
    for (const auto* header : {"unknown", "198.51.100.1, unknown", "198.51.100.1,", "a:b:c", "[::1",
                               "[::1]x", "198.51.100.1, _hidden", "\x01"}) {
        CAPTURE(header);
        CHECK(proxies.client_of(peer, header) == peer);
    }
    CHECK(proxies.client_of(peer, "198.51.100.1, nonsense, 10.2.2.2") == address("10.2.2.2"));
}

TEST_CASE("the proxy behind a unix socket is believed if it is named") {
    const TrustedProxies proxies({}, true);
    CHECK(proxies.client_of(local(), "203.0.113.9, 198.51.100.1") == address("198.51.100.1"));
    CHECK(proxies.client_of(local(), "") == local());
}
