#include "proto/since.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "proto/json.hpp"
#include "proto/limits.hpp"

using namespace roost;
using namespace std::string_literals;

namespace {

Since parsed(std::string_view raw) {
    JsonReader reader;
    REQUIRE(reader.is_valid(raw));
    const auto since = parse_since(raw);
    REQUIRE(since);
    return *since;
}

bool is_refused(std::string_view raw) {
    JsonReader reader;
    REQUIRE(reader.is_valid(raw));
    const auto since = parse_since(raw);
    if (since) return false;
    CHECK(since.error().starts_with("bad since"));
    CHECK(since.error().find(R"({"last":N})") != std::string::npos);
    return true;
}

const std::string origin_a = "00c0ffee00c0ffee.0";
const Origin a{0x00c0ffee00c0ffee, 0};

}  // namespace

TEST_CASE("an empty object means from now on") {
    for (const auto* raw : {"{}", "{ }", "{\n\t }"}) CHECK(parsed(raw) == Since{SinceNow{}});
}

TEST_CASE("positions are read, with their origins and numbers") {
    CHECK(parsed(R"({"00c0ffee00c0ffee.0":17})") == Since{Positions{{a, 17}}});
    CHECK(parsed(R"({ "00c0ffee00c0ffee.0" : 17 , "ffffffffffffffff.255":0})") ==
          Since{Positions{{a, 17}, {{UINT64_MAX, 255}, 0}}});
    CHECK(parsed(R"({"0000000000000000.0":18446744073709551615})") ==
          Since{Positions{{{0, 0}, UINT64_MAX}}});
}

TEST_CASE("the last messages, or those of the last seconds, may be asked for") {
    CHECK(parsed(R"({"last":10})") == Since{SinceLast{10}});
    CHECK(parsed(R"({"last":0})") == Since{SinceLast{0}});
    CHECK(parsed(R"({"last":18446744073709551615})") == Since{SinceLast{UINT64_MAX}});
    CHECK(parsed(R"({"seconds":3600})") == Since{SinceSeconds{3600}});
    CHECK(parsed(R"({"seconds":18446744073709551615})") == Since{SinceSeconds{UINT64_MAX}});
}

TEST_CASE("what is no object is refused") {
    for (const auto* raw : {"[]", "7", "\"\"", "true", "\"{}\"", "[{}]", "null"}) {
        CAPTURE(raw);
        CHECK(is_refused(raw));
    }
}

TEST_CASE("numbers that are no whole numbers, or too great, are refused") {
    for (const auto* number : {"-1", "-0", "1.0", "1e3", "\"1\"", "null", "true", "{}", "[1]",
                               "18446744073709551616", "99999999999999999999999999"}) {
        CAPTURE(number);
        CHECK(is_refused("{\"last\":" + std::string(number) + "}"));
        CHECK(is_refused("{\"seconds\":" + std::string(number) + "}"));
        CHECK(is_refused("{\"" + origin_a + "\":" + number + "}"));
    }
}

TEST_CASE("a key that is no origin, or an origin in another spelling, is refused") {
    for (const auto* key : {"", "x", "Last", "last ", "00c0ffee00c0ffee", "00c0ffee00c0ffee.", ".0",
                            "00C0FFEE00C0FFEE.0", "00c0ffee00c0ffee.00", "00c0ffee00c0ffee.256",
                            "00c0ffee00c0ffee.-1", "00c0ffee00c0ffee.+1", "00c0ffee00c0ffee.0 ",
                            " 00c0ffee00c0ffee.0", "c0ffee00c0ffee.0", "0x00c0ffee00c0ff.0",
                            "00c0ffee00c0ffee/0", "00c0ffee00c0ffee.0/17", "g0c0ffee00c0ffee.0"}) {
        CAPTURE(key);
        std::string raw = "{";
        append_quoted(raw, key);
        CHECK(is_refused(raw + ":1}"));
    }
    CHECK_FALSE(parse_origin("00c0ffee00c0ffee.0\0"s));
}

TEST_CASE("keys are what their escapes say") {
    CHECK(parsed(R"({"\u006cast":3})") == Since{SinceLast{3}});
    CHECK(parsed(R"({"00c0ffee00c0ffee\u002e0":17})") == Since{Positions{{a, 17}}});
    CHECK(is_refused(R"({"la\\st":3})"));
    CHECK(is_refused(R"({"last\u0000":3})"));
    CHECK(is_refused(R"({"\"last":3})"));
}

TEST_CASE("the forms do not mix") {
    CHECK(is_refused(R"({"last":1,"seconds":1})"));
    CHECK(is_refused(R"({"last":1,"last":1})"));
    CHECK(is_refused(R"({"last":1,"00c0ffee00c0ffee.0":1})"));
    CHECK(is_refused(R"({"00c0ffee00c0ffee.0":1,"seconds":1})"));
    CHECK(is_refused(R"({"00c0ffee00c0ffee.0":1,"more":1})"));
}

TEST_CASE("of an origin that is named twice the last number counts, as in JSON.parse") {
    CHECK(parsed(R"({"00c0ffee00c0ffee.0":1,"00c0ffee00c0ffee.0":2})") == Since{Positions{{a, 2}}});
}

TEST_CASE("positions are bounded, and the bound itself is allowed") {
    Positions most;
    for (std::size_t i = 0; i < limits::positions_max; ++i) most[{i, 0}] = i;
    CHECK(parsed(positions_json(most)) == Since{most});
    most[{UINT64_MAX, 0}] = 1;
    CHECK(is_refused(positions_json(most)));
}

TEST_CASE("positions are written as they are read") {
    CHECK(positions_json({}) == "{}");
    CHECK(positions_json({{a, 17}}) == R"({"00c0ffee00c0ffee.0":17})");
    const Positions two{{{0, 0}, 0}, {{UINT64_MAX, 255}, UINT64_MAX}};
    CHECK(positions_json(two) ==
          R"({"0000000000000000.0":0,"ffffffffffffffff.255":18446744073709551615})");
    CHECK(parsed(positions_json(two)) == Since{two});
}

TEST_CASE("an origin is read as it is written") {
    for (const Origin& origin : {Origin{0, 0}, Origin{UINT64_MAX, 255}, Origin{0x1f, 10}}) {
        CHECK(parse_origin(origin_text(origin)) == origin);
    }
    CHECK(origin_text({0x1f, 10}) == "000000000000001f.10");
}
