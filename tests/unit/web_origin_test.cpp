#include "proto/web_origin.hpp"

#include <catch2/catch.hpp>

using namespace roost;

namespace {

AllowedOrigins allowed(std::initializer_list<const char*> texts) {
    std::vector<OriginPattern> patterns;
    for (const auto* text : texts) {
        const auto pattern = parse_origin_pattern(text);
        REQUIRE(pattern);
        patterns.push_back(*pattern);
    }
    return AllowedOrigins(std::move(patterns));
}

}  // namespace

TEST_CASE("an origin is scheme, host and port, in lower case and with the scheme's own port") {
    CHECK(parse_web_origin("https://App.Example.com") ==
          WebOrigin{"https", "app.example.com", 443});
    CHECK(parse_web_origin("http://localhost:3000") == WebOrigin{"http", "localhost", 3000});
    CHECK(parse_web_origin("http://[::1]:8080") == WebOrigin{"http", "[::1]", 8080});
    CHECK(parse_web_origin("http://[2001:db8::1]") == WebOrigin{"http", "[2001:db8::1]", 80});
    for (const auto* text :
         {"", "null", "example.com", "https://", "https:///", "https://a/b", "https://a:0",
          "https://a:65536", "https://a:", "https://a b", "https://a,b", "https://user@a", "://a",
          "https://[::1", "https://a?b", "https://a, https://b"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_web_origin(text));
    }
}

TEST_CASE("the host of a Host header has no port") {
    CHECK(host_of("App.example.com:4000") == "app.example.com");
    CHECK(host_of("[::1]:4000") == "[::1]");
    CHECK(host_of("[::1]") == "[::1]");
    CHECK(host_of("localhost") == "localhost");
    CHECK(host_of("").empty());
    CHECK(host_of("a/b").empty());
}

TEST_CASE("without patterns a page may call the host that it comes from") {
    const AllowedOrigins origins;
    CHECK(origins.allow("https://chat.example.com", "chat.example.com"));
    CHECK(origins.allow("http://localhost:3000", "localhost:4000"));
    CHECK(origins.allow("http://LOCALHOST:3000", "localhost:4000"));
    CHECK_FALSE(origins.allow("https://evil.example.net", "chat.example.com"));
    CHECK_FALSE(origins.allow("https://chat.example.com.evil.net", "chat.example.com"));
    CHECK_FALSE(origins.allow("null", "chat.example.com"));
    CHECK_FALSE(origins.allow("null", "null"));
    CHECK_FALSE(origins.allow("nonsense", ""));
}

TEST_CASE("what sends no origin is no browser, and allowed") {
    CHECK(AllowedOrigins().allow("", "chat.example.com"));
    CHECK(allowed({"https://app.example.com"}).allow("", "chat.example.com"));
}

TEST_CASE("a pattern names one origin: scheme, host and port") {
    const auto origins = allowed({"https://App.example.com", "http://localhost:3000"});
    CHECK(origins.allow("https://app.example.com", "x"));
    CHECK(origins.allow("https://app.example.com:443", "x"));
    CHECK(origins.allow("http://localhost:3000", "x"));
    CHECK_FALSE(origins.allow("http://app.example.com", "x"));
    CHECK_FALSE(origins.allow("https://app.example.com:8443", "x"));
    CHECK_FALSE(origins.allow("http://localhost", "x"));
    CHECK_FALSE(origins.allow("https://sub.app.example.com", "x"));
    // The host that is called is no longer enough.
    CHECK_FALSE(origins.allow("https://chat.example.com", "chat.example.com"));
}

TEST_CASE("a star stands for the domains below, and not for the domain") {
    const auto origins = allowed({"https://*.example.com"});
    CHECK(origins.allow("https://a.example.com", "x"));
    CHECK(origins.allow("https://a.b.example.com", "x"));
    CHECK_FALSE(origins.allow("https://example.com", "x"));
    CHECK_FALSE(origins.allow("https://evilexample.com", "x"));
    CHECK_FALSE(origins.allow("https://a.example.com.evil.net", "x"));
    CHECK_FALSE(origins.allow("http://a.example.com", "x"));
    CHECK_FALSE(origins.allow("https://a.example.com:8443", "x"));
    CHECK(allowed({"https://*.example.com:8443"}).allow("https://a.example.com:8443", "x"));
}

TEST_CASE("a lone star allows every page, also one that hides its origin") {
    const auto origins = allowed({"https://app.example.com", "*"});
    CHECK(origins.allow("https://anything.example.net:1", "x"));
    CHECK(origins.allow("null", "x"));
}

TEST_CASE("what is no pattern is refused in a sentence") {
    for (const auto* text :
         {"", "example.com", "*.example.com", "https://", "https://*", "https://*.", "https://a.*",
          "https://a/*", "https://a/", "https://a:*", "https://*.*.com", "https://a*b.com", "**"}) {
        CAPTURE(text);
        const auto pattern = parse_origin_pattern(text);
        REQUIRE_FALSE(pattern);
        CHECK(pattern.error().find("https://app.example.com") != std::string::npos);
    }
}
