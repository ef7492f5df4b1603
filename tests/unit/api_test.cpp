#include "proto/api.hpp"

#include <catch2/catch.hpp>

using namespace roost;

namespace {

std::string why(std::string_view body) {
    JsonReader reader;
    const auto read = api::parse_publish(reader, body);
    REQUIRE(!read);
    CHECK(read.error().type == "application/problem+json");
    return read.error().body;
}

bool says(const std::string& body, std::string_view text) {
    return body.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a body becomes a request of the control socket") {
    JsonReader reader;
    const auto one = api::parse_publish(
        reader,
        R"({"topics":["a","b"],"event":"e","payload":{"x": 1},"except":"0123456789abcdef.3-7"})");
    REQUIRE(one);
    REQUIRE(one->messages.size() == 2);
    CHECK(one->messages[1] == control::Publish{"b", "e", R"({"x": 1})", "", false});
    CHECK(one->except == SessionId{{0x0123456789abcdef, 3}, 7});

    const auto bytes = api::parse_publish(
        reader, R"({"messages":[{"topic":"a","event":"e","base64":"AP8="}],"scope":"local"})");
    REQUIRE(bytes);
    CHECK(bytes->messages[0].payload == std::string("\0\xff", 2));
    CHECK(bytes->messages[0].is_binary);
    CHECK(bytes->scope == control::Scope::local);
}

TEST_CASE("a body that is wrong is told what is wrong") {
    CHECK(says(why("{"), "must be a JSON object"));
    CHECK(says(why(R"({"event":"e","payload":{}})"), "topic is missing"));
    CHECK(says(why(R"({"topic":"a","event":"e","payload":[]})"), "payload must be an object"));
    CHECK(says(why(R"({"topic":"a","event":"e","payload":{},"x":1})"), "unknown member: x"));
    CHECK(says(why(R"({"topic":"a","messages":[]})"), "messages excludes"));
    CHECK(says(why(R"({"messages":[{"topic":"a"}]})"), "message 1: event is missing"));
    CHECK(says(why(R"({"topic":"a","event":"e","payload":{},"node":"n"})"), "scope"));
}

TEST_CASE("short bodies do not become long lists") {
    std::string topics;
    for (int i = 0; i < 900; ++i) topics += R"(,"t")";
    const std::string payload = R"({"x":")" + std::string(100'000, 'x') + R"("})";
    CHECK(says(why(R"({"topics":["t")" + topics + R"(],"event":"e","payload":)" + payload + "}"),
               "16000000 bytes"));
}

TEST_CASE("keys of a file, and what is one of them") {
    const auto keys = api::parse_keys("# mine\n0123456789abcdef\r\n\nfedcba9876543210x\n");
    REQUIRE(keys);
    CHECK(keys->size() == 2);
    CHECK(api::is_key(*keys, "0123456789abcdef"));
    CHECK(api::is_key(*keys, "fedcba9876543210x"));
    CHECK(!api::is_key(*keys, "fedcba9876543210"));
    CHECK(!api::is_key(*keys, ""));
    CHECK(!api::parse_keys("short\n"));
    CHECK(!api::parse_keys("# nothing\n"));
}

TEST_CASE("answers become pages") {
    const auto page =
        api::page_of(control::Answer{1, control::PublishedMany{1, {{"a", "", 2, false}}}}, "");
    CHECK(page.status == 200);
    CHECK(
        page.body ==
        R"({"peers":1,"results":[{"topic":"a","position":null,"channels":2,"duplicate":false}]})");
    CHECK(api::page_of(control::Answer{1, control::Kicked{false}}, "").status == 404);
    CHECK(api::page_of(control::Answer{1, control::Refused{"no_answer", "late"}}, "").status ==
          504);
    CHECK(api::page_of(control::Answer{1, control::TopicList{{{"a", 1}}}}, "b").status == 404);
}
