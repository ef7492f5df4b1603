#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proto/json.hpp"

using namespace roost;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

Members members(const std::string& raw) {
    JsonReader reader;
    REQUIRE(reader.is_valid(raw));
    Members found;
    for_each_member(raw, [&](std::string_view key, std::string_view value) {
        found.emplace_back(key, value);
        return true;
    });
    return found;
}

}  // namespace

TEST_CASE("the members of an object are told in order, their values as they came") {
    CHECK(members("{}").empty());
    CHECK(members("{ \n\t}").empty());
    CHECK(members(R"({"a":1})") == Members{{"a", "1"}});
    CHECK(members(R"({"a":1,"b":"x","a":null})") ==
          Members{{"a", "1"}, {"b", "\"x\""}, {"a", "null"}});
    CHECK(members("{ \"a\" :\t[1, {\"b\":2}] \r\n, \"c\"\n:\n{ } , \"d\" : -1.5e3 }") ==
          Members{{"a", "[1, {\"b\":2}]"}, {"c", "{ }"}, {"d", "-1.5e3"}});
}

TEST_CASE("brackets, quotes and separators inside of strings belong to the strings") {
    CHECK(
        members(R"({"a}":"}","b\"":"\"}\\","c,":[",]","{"],":":":"})") ==
        Members{{"a}", R"("}")"}, {"b\"", R"("\"}\\")"}, {"c,", R"([",]","{"])"}, {":", R"(":")"}});
    CHECK(members(R"({"":{"":""}})") == Members{{"", R"({"":""})"}});
}

TEST_CASE("keys are what their escapes say, values are not touched") {
    CHECK(members(R"({"\u0061":"\u0061","\ud83d\ude00":1})") ==
          Members{{"a", R"("\u0061")"}, {"\xf0\x9f\x98\x80", "1"}});
}

TEST_CASE("a visit ends when its visitor has seen enough") {
    int seen = 0;
    for_each_member(R"({"a":1,"b":2,"c":3})", [&](std::string_view key, std::string_view) {
        ++seen;
        return key != "b";
    });
    CHECK(seen == 2);
}

TEST_CASE("of members of the same name the last counts, and those inside of values do not") {
    CHECK(member(R"({"a":1,"b":2,"a":3})", "a") == "3");
    CHECK(member(R"({"b":{"a":1}})", "a") == std::nullopt);
    CHECK(member(R"({"b":"\"a\":1","c":["a"]})", "a") == std::nullopt);
    CHECK(member("{}", "") == std::nullopt);
    CHECK(member(R"({"":0})", "") == "0");
    CHECK(member(R"({"\u0061":1})", "a") == "1");
    CHECK(member(R"({"a\/b":1,"\n":2,"x":"\t"})", "a/b") == "1");
    CHECK(member(R"({"a\/b":1,"\n":2})", "\n") == "2");
    CHECK(member(R"({"x":"\t\"a"})", "b") == std::nullopt);
}

TEST_CASE("members of a valid object are valid themselves, whatever it is") {
    std::mt19937 random(3);
    const std::string bits[] = {"1",     "null",  "\"x\"",    "{}",         "[]",
                                " true", "-0.5 ", "\"\\\\\"", R"("},\"{")", "[[{\"k\":[]}]]"};
    JsonReader reader;
    for (int i = 0; i < 2000; ++i) {
        std::string raw = "{";
        std::size_t count = random() % 5;
        for (std::size_t at = 0; at < count; ++at) {
            if (at > 0) raw += random() % 2 ? "," : " ,\n";
            append_quoted(raw, bits[random() % std::size(bits)]);
            raw += random() % 2 ? ":" : " : ";
            raw += bits[random() % std::size(bits)];
        }
        raw += "}";
        const auto found = members(raw);
        REQUIRE(found.size() == count);
        for (const auto& [key, value] : found) REQUIRE(reader.is_valid(value));
    }
}

namespace {

std::vector<std::string> elements(const std::string& raw) {
    JsonReader reader;
    REQUIRE(reader.is_valid(raw));
    std::vector<std::string> found;
    for_each_element(raw, [&](std::string_view element) {
        found.emplace_back(element);
        return true;
    });
    return found;
}

}  // namespace

TEST_CASE("the elements of an array are told in order, as they came") {
    using Texts = std::vector<std::string>;
    CHECK(elements("[]").empty());
    CHECK(elements("[ \n]").empty());
    CHECK(elements("[1]") == Texts{"1"});
    CHECK(elements("[ \"a,]\" , [1,[2]],{\"b\":[]}\n,null , -1.5e3]") ==
          Texts{"\"a,]\"", "[1,[2]]", "{\"b\":[]}", "null", "-1.5e3"});
    CHECK(elements("[\"\\\"]\",\"\\\\\"]") == Texts{"\"\\\"]\"", "\"\\\\\""});
    std::size_t seen = 0;
    for_each_element("[1,2,3]", [&](std::string_view) { return ++seen < 2; });
    CHECK(seen == 2);
}

TEST_CASE("a name that stands twice is found, however it is spelled") {
    CHECK(has_unique_names("{}"));
    CHECK(has_unique_names(R"({"a":1,"b":{"a":1,"b":2},"A":3,"":4})"));
    CHECK_FALSE(has_unique_names(R"({"a":1,"b":2,"a":1})"));
    CHECK_FALSE(has_unique_names(R"({"a":1,"\u0061":2})"));
    CHECK_FALSE(has_unique_names(R"({"":1,"":2})"));
}

TEST_CASE("white space around a text is JSON's, and no other") {
    CHECK(trim_json(" \t\r\n{} \n") == "{}");
    CHECK(trim_json(" \n").empty());
    CHECK(trim_json("").empty());
    CHECK(trim_json("\v{}") == "\v{}");
}
