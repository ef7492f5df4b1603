#include "proto/base64url.hpp"

#include <catch2/catch.hpp>

using namespace roost;
using namespace std::string_literals;

TEST_CASE("base64url: bytes of any number come back") {
    CHECK(from_base64url("") == "");
    CHECK(from_base64url("AA") == "\0"s);
    CHECK(from_base64url("Zm8") == "fo");
    CHECK(from_base64url("Zm9v") == "foo");
    CHECK(from_base64url("Zm9vYg") == "foob");
    CHECK(from_base64url("-_-_") == "\xfb\xff\xbf");
}

TEST_CASE("base64url: another spelling of the same bytes is refused") {
    // Bits left over, padding, the other alphabet, white space, a letter alone.
    for (const auto& text : {"Zm9"s, "Zh"s, "Zm8="s, "Zg=="s, "+/+/"s, "Zm9v\n"s, " Zm9v"s,
                             "Zm 9v"s, "Z"s, "Zm9vY"s, "Zm9v\0"s, "Zm9\xc3"s, "="s, "Zm9v.Zm9v"s}) {
        INFO(text);
        CHECK_FALSE(from_base64url(text));
    }
}

TEST_CASE("base64url: no byte beside the alphabet is a letter") {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int byte = 0; byte < 256; ++byte) {
        const auto c = static_cast<char>(byte);
        INFO(byte);
        CHECK(from_base64url("Zm9"s + c).has_value() ==
              (letters.find(c) != std::string_view::npos));
    }
}

TEST_CASE("base64url: what is spelled is read again") {
    for (const auto& bytes : {""s, "\0"s, "fo"s, "foo"s, "foob"s, "\xfb\xff\xbf"s}) {
        CHECK(from_base64url(to_base64url(bytes)) == bytes);
    }
    CHECK(to_base64url("\xfb\xff\xbf") == "-_-_");
}

TEST_CASE("base64: the standard alphabet, with padding") {
    CHECK(from_base64("Zm8=") == "fo");
    CHECK(from_base64("+/+/") == "\xfb\xff\xbf");
    CHECK(from_base64("") == "");
    for (const auto& text : {"Zm8"s, "-_-_"s, "Zm9="s, "Zm8=\n"s, "Zm8=="s, "!"s, "[\"1\"]"s}) {
        INFO(text);
        CHECK_FALSE(from_base64(text));
    }
}
