#include "proto/endpoint.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace roost;

namespace {

Endpoint parsed(std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    REQUIRE(endpoint);
    return *endpoint;
}

}  // namespace

TEST_CASE("HOST:PORT is read, and written as it was") {
    CHECK(parsed("10.0.0.1:7370") == Endpoint{"10.0.0.1", 7370});
    CHECK(parsed("web-1.example.net:1") == Endpoint{"web-1.example.net", 1});
    CHECK(parsed("[::1]:65535") == Endpoint{"::1", 65535});
    for (const auto* text : {"10.0.0.1:7370", "localhost:80", "[2001:db8::7]:7370", "*:7370"}) {
        CHECK(parsed(text).text() == text);
        CHECK(parsed(text).tcp() == "tcp://" + std::string(text));
    }
}

TEST_CASE("a wildcard is known in each spelling") {
    CHECK(parsed("0.0.0.0:1").is_wildcard());
    CHECK(parsed("[::]:1").is_wildcard());
    CHECK(parsed("*:1").is_wildcard());
    CHECK_FALSE(parsed("127.0.0.1:1").is_wildcard());
}

TEST_CASE("what is no HOST:PORT is refused in a sentence") {
    for (const auto* text : {"",
                             ":",
                             "host",
                             "host:",
                             ":7370",
                             "host:0",
                             "host:65536",
                             "host:99999999999",
                             "host:-1",
                             "host:+1",
                             "host: 1",
                             "host:1 ",
                             "host:80x",
                             "host:0x50",
                             "::1:7370",
                             "[]:7370",
                             "[::1:7370",
                             "[::1]",
                             "[::1]7370",
                             "a b:1",
                             "tcp://host:1",
                             "host/x:1",
                             "a\tb:1"}) {
        CAPTURE(text);
        const auto endpoint = parse_endpoint(text);
        REQUIRE_FALSE(endpoint);
        CHECK_FALSE(endpoint.error().empty());
    }
    CHECK_FALSE(parse_endpoint(std::string(254, 'h') + ":1"));
    CHECK(parse_endpoint("::1:7370").error().find("brackets") != std::string::npos);
}

TEST_CASE("endpoints are ordered by host and then by port") {
    CHECK(Endpoint{"a", 2} < Endpoint{"b", 1});
    CHECK(Endpoint{"a", 1} < Endpoint{"a", 2});
}

TEST_CASE("loopback is the machine itself, and not what is named like it") {
    for (const auto* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) {
        CAPTURE(host);
        CHECK(Endpoint{host, 1}.is_loopback());
    }
    for (const auto* host : {"0.0.0.0", "::", "10.0.0.1", "127.example.com",
                             "localhost.example.com", "::2", "128.0.0.1"}) {
        CAPTURE(host);
        CHECK_FALSE(Endpoint{host, 1}.is_loopback());
    }
}
