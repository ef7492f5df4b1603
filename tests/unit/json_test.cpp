#include "proto/json.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace roost;
using namespace std::string_literals;

namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

JsonError error_of(std::string_view text) {
    JsonReader reader;
    const auto array = reader.slice_array(text);
    REQUIRE_FALSE(array);
    return array.error();
}

std::string quoted(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

std::string unquoted(std::string_view raw) {
    std::string scratch;
    return std::string(unquote(raw, scratch));
}

}  // namespace

TEST_CASE("an array is cut into its elements without changing a byte") {
    JsonReader reader;
    const auto array = reader.slice_array(
        " [ 1.50 ,\"a\\u0062,]\",\t{\"x\" : [1, 2]} ,null,  [ ]  ,\"six\", 7 ]\r\n");
    REQUIRE(array);
    CHECK(array->size == 7);
    CHECK(array->elements[0] == "1.50");
    CHECK(array->elements[1] == "\"a\\u0062,]\"");
    CHECK(array->elements[2] == "{\"x\" : [1, 2]}");
    CHECK(array->elements[3] == "null");
    CHECK(array->elements[4] == "[ ]");
}

TEST_CASE("the last of five elements ends before the closing bracket and its white space") {
    JsonReader reader;
    for (const auto& last : {"{}"s, "\"]\""s, "[[]]"s, "-0.0"s, "\"\\\"]\""s, "{\"a\":\"]}\"}"s}) {
        const auto array = reader.slice_array("[1,2,3,4, " + last + " \n] ");
        REQUIRE(array);
        CHECK(array->size == 5);
        CHECK(array->elements[4] == last);
    }
}

TEST_CASE("an empty array has no elements") {
    JsonReader reader;
    const auto array = reader.slice_array("[]");
    REQUIRE(array);
    CHECK(array->size == 0);
}

TEST_CASE("a text that breaks the grammar of JSON is no valid value") {
    JsonReader reader;
    const std::vector<std::string> texts = {"",
                                            " ",
                                            "1,",
                                            ",1",
                                            "1 2",
                                            "1]",
                                            "1],[2",
                                            "[1,]",
                                            "[,1]",
                                            "[1 2]",
                                            "[",
                                            "]",
                                            "[1",
                                            "{",
                                            "}",
                                            "{\"a\"}",
                                            "{\"a\":",
                                            "{\"a\" 1}",
                                            "{\"a\":1,}",
                                            "{a:1}",
                                            "{1:2}",
                                            "{\"a\":1 \"b\":2}",
                                            "{,}",
                                            "tru",
                                            "truex",
                                            "True",
                                            "nul",
                                            "nullx",
                                            "falsey",
                                            "NaN",
                                            "Infinity",
                                            "-",
                                            "+1",
                                            "01",
                                            "-01",
                                            "1.",
                                            ".5",
                                            "1e",
                                            "1e+",
                                            "0x10",
                                            "1.5.2",
                                            "'a'",
                                            "\"a",
                                            "a\"",
                                            "\"\\x\"",
                                            "\"\\u12\"",
                                            "\"\\u12g4\"",
                                            "\"a\nb\"",
                                            "\"a\x01\"",
                                            "\"\t\"",
                                            "[1}",
                                            "{\"a\":1]",
                                            "{\"\\x\":1}",
                                            "/**/1",
                                            "1 // a",
                                            "\"a\"\"b\"",
                                            "[1][2]",
                                            "{}{}",
                                            "{\"a\":1}}",
                                            "[1]]",
                                            "undefined"};
    for (const auto& text : texts) {
        CAPTURE(text);
        CHECK_FALSE(reader.is_valid(text));
        CHECK_FALSE(reader.slice_array("[1,2,3,4," + text + "]"));
    }
    CHECK_FALSE(reader.is_valid("1\0"s));
    CHECK_FALSE(reader.is_valid("\"a\0b\""s));
}

TEST_CASE("every kind of JSON value is valid") {
    JsonReader reader;
    const std::vector<std::string> texts = {"0",
                                            "-0.0",
                                            "1e2",
                                            "1E-7",
                                            "0.1e-6",
                                            "123456789012345678901234567890",
                                            "true",
                                            "false",
                                            "null",
                                            "\"\"",
                                            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\"",
                                            "\"\\ud83d\\ude00\"",
                                            "\"h\xc3\xa9\"",
                                            "[]",
                                            "{}",
                                            " [ 1 , { \"a\" : null } ] ",
                                            "{\"a\":1,\"a\":2}",
                                            "\"\x7f\"",
                                            "-9223372036854775808",
                                            "18446744073709551615",
                                            "5e-324",
                                            "1e-400"};
    for (const auto& text : texts) {
        CAPTURE(text);
        CHECK(reader.is_valid(text));
    }
}

TEST_CASE("a number beyond double range is refused") {
    JsonReader reader;
    CHECK(reader.is_valid("1e308"));
    CHECK_FALSE(reader.is_valid("1e400"));
    CHECK_FALSE(reader.is_valid("-1e309"));
    CHECK_FALSE(reader.is_valid("{\"a\":[1e400]}"));
    CHECK_FALSE(reader.is_valid(std::string(400, '9')));
}

TEST_CASE("a lone surrogate is refused, in values and in keys") {
    JsonReader reader;
    for (const auto& text : {"\"\\ud800\""s, "\"\\udc00\""s, "\"\\ud800x\""s, "\"\\ud800\\ud800\""s,
                             "\"\\ude00\\ud83d\""s, "{\"\\ud800\":1}"s, "\"\\ud800\\n\""s}) {
        CAPTURE(text);
        CHECK_FALSE(reader.is_valid(text));
    }
}

TEST_CASE("a text that is not UTF-8 is told from one that is not JSON") {
    CHECK(error_of("[\"\xff\"]") == JsonError::not_utf8);
    CHECK(error_of("[\"\xc3\"]") == JsonError::not_utf8);
    CHECK(error_of("[\"\xc0\x80\"]") == JsonError::not_utf8);
    CHECK(error_of("[\"\xed\xa0\x80\"]") == JsonError::not_utf8);
    CHECK(error_of("[\"\xf4\x90\x80\x80\"]") == JsonError::not_utf8);
    CHECK(error_of("[1,]") == JsonError::not_json);
    CHECK(error_of("[1] 2") == JsonError::not_json);
    CHECK(error_of("[1],") == JsonError::not_json);
    CHECK(error_of("[[1},2]") == JsonError::not_json);
    CHECK(error_of("") == JsonError::not_json);
}

TEST_CASE("a value that is no array is told as such") {
    for (const auto& text : {"{}"s, "{\"topic\":\"a\"}"s, "\"[]\""s, "1"s, "true"s, "null"s}) {
        CAPTURE(text);
        CHECK(error_of(text) == JsonError::not_an_array);
    }
}

TEST_CASE("what begins like something else than an array is not an array") {
    CHECK(error_of("hello") == JsonError::not_an_array);
    CHECK(error_of("{\"a\":") == JsonError::not_an_array);
}

TEST_CASE("the depth is bounded, and the bound itself is allowed") {
    JsonReader reader(4);
    CHECK(reader.slice_array(nested(4)));
    CHECK(reader.slice_array("[{\"a\":{\"b\":[]}}]"));
    const auto deep = reader.slice_array(nested(5));
    REQUIRE_FALSE(deep);
    CHECK(deep.error() == JsonError::too_deep);
    const auto objects = reader.slice_array("[{\"a\":{\"b\":{\"c\":{}}}}]");
    REQUIRE_FALSE(objects);
    CHECK(objects.error() == JsonError::too_deep);
    CHECK(error_of(nested(20000)) == JsonError::too_deep);
}

TEST_CASE("a reader that has refused a text reads the next one") {
    JsonReader reader;
    CHECK_FALSE(reader.slice_array("[1,"));
    CHECK_FALSE(reader.slice_array(nested(100)));
    const auto array = reader.slice_array("[1]");
    REQUIRE(array);
    CHECK(array->elements[0] == "1");
    CHECK_FALSE(reader.is_valid("\"\xff\""));
    CHECK(reader.is_valid("{}"));
}

TEST_CASE("the slices live in the reader, not in the text that was given") {
    JsonReader reader;
    std::string text = "[\"one\",2]";
    const auto array = reader.slice_array(text);
    REQUIRE(array);
    text.assign(text.size(), 'x');
    CHECK(array->elements[0] == "\"one\"");
}

TEST_CASE("a long text is read as a short one") {
    JsonReader reader;
    const std::string payload = "{\"a\":\"" + std::string(900'000, 'x') + "\"}";
    const auto array = reader.slice_array("[null,null,\"t\",\"e\"," + payload + "]");
    REQUIRE(array);
    CHECK(array->elements[4] == payload);
}

TEST_CASE("the kind of a raw value is seen by its first byte") {
    CHECK(is_json_string("\"a\""));
    CHECK_FALSE(is_json_string("7"));
    CHECK(is_json_object("{}"));
    CHECK_FALSE(is_json_object("[]"));
    CHECK(is_json_null("null"));
    CHECK_FALSE(is_json_null("\"null\""));
}

TEST_CASE("unquote gives the text of a JSON string") {
    CHECK(unquoted("\"room:a\"").compare("room:a") == 0);
    CHECK(unquoted("\"\"").empty());
    CHECK(unquoted(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
    CHECK(unquoted(R"("\u0041\u00e9\u20AC")") == "A\xc3\xa9\xe2\x82\xac");
    CHECK(unquoted(R"("a\ud83d\ude00b")") == "a\xf0\x9f\x98\x80"s + "b");
    CHECK(unquoted(R"("\uD83D\uDE00")") == "\xf0\x9f\x98\x80");
    CHECK(unquoted(R"("\uffff\ud7ff\ue000")") == "\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80");
    CHECK(unquoted("\"room:\\u0000\"") == "room:\0"s);
}

TEST_CASE("append_quoted escapes what JSON wants escaped, and nothing else") {
    CHECK(quoted("room:a/b") == "\"room:a/b\"");
    CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
    CHECK(quoted("\n\x1f\0"s) == R"("\u000a\u001f\u0000")");
    CHECK(quoted("h\xc3\xa9\xf0\x9f\x98\x80") == "\"h\xc3\xa9\xf0\x9f\x98\x80\"");
}

TEST_CASE("what append_quoted wrote, unquote reads") {
    JsonReader reader;
    std::string all;
    for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
    all += "\xc3\xa9\xf0\x9f\x98\x80";
    CHECK(reader.is_valid(quoted(all)));
    CHECK(unquoted(quoted(all)) == all);
}
