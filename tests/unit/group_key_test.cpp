#include "proto/group_key.hpp"

#include <catch2/catch.hpp>

using namespace roost;

namespace {

// The pair of the server in zmq_curve(7).
const std::string secret = "8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7";
const std::string its_public = "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652";
const std::string one = std::string(63, '0') + "1";
const std::string two = std::string(63, '0') + "2";
const std::string three = std::string(63, '0') + "3";

std::string error_of(const std::string& text) {
    const auto keys = parse_group_keys(text);
    return keys ? "" : keys.error();
}

}  // namespace

TEST_CASE("a key is read in either case, and written as it was read") {
    for (const std::string& text : {secret, "8E0B" + secret.substr(4)}) {
        const auto keys = parse_group_keys(text);
        REQUIRE(keys);
        REQUIRE(keys->size() == 1);
        CHECK(text_of(keys->front()) == secret);
    }
}

TEST_CASE("the public key is the one that ZeroMQ derives") {
    const auto keys = parse_group_keys(secret);
    REQUIRE(keys);
    CHECK(text_of(public_key_of(keys->front())) == its_public);
}

TEST_CASE("a key file has one key or two, among comments and blank lines") {
    const auto keys = parse_group_keys("# new\n\n " + two + "\r\n\t\n#old\n" + one);
    REQUIRE(keys);
    REQUIRE(keys->size() == 2);
    CHECK(text_of(keys->front()) == two);
    CHECK(text_of(keys->back()) == one);
}

TEST_CASE("a line that is no key is named by its number, not by what it holds") {
    const std::string how = ": a key is 64 hex digits, as roost keygen prints them";
    CHECK(error_of("\n" + one.substr(1)) == "line 2 is no key" + how);
    CHECK(error_of(one + "0") == "line 1 is no key" + how);
    CHECK(error_of(one + "\n" + one.substr(1) + "g\n") == "line 2 is no key" + how);
    CHECK(error_of(one + " " + two) == "line 1 is no key" + how);
    CHECK(error_of(std::string(64, '\0')) == "line 1 is no key" + how);
}

TEST_CASE("a key file without a key, with a third or with the same twice is refused") {
    for (const auto* text : {"", "\n\n", "# nothing", "#\n  \n"}) {
        CHECK(error_of(text) ==
              "it holds no key: a key is 64 hex digits, as roost keygen prints them");
    }
    CHECK(error_of(one + "\n" + two + "\n\n" + three) ==
          "line 4 holds a third key: keep one, or two while one is exchanged");
    CHECK(error_of(one + "\n" + one) == "line 2 holds the same key again: leave it out");
}
