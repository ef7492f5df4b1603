#include "daemon/core/refused_tokens.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "proto/limits.hpp"

using namespace roost;
using namespace std::chrono_literals;

namespace {
Time at(Duration since) {
    return Time{since};
}
}  // namespace

TEST_CASE("a refused token is known for the window, with its reason") {
    RefusedTokens refused(60s);
    CHECK_FALSE(refused.reason("a", at(0s)));
    refused.note("a", TokenError::expired, at(0s));
    refused.note("b", TokenError::bad_signature, at(10s));
    CHECK(refused.reason("a", at(0s)) == TokenError::expired);
    CHECK(refused.reason("a", at(59'999ms)) == TokenError::expired);
    CHECK_FALSE(refused.reason("a", at(60s)));
    CHECK(refused.reason("b", at(60s)) == TokenError::bad_signature);
    CHECK_FALSE(refused.reason("c", at(10s)));
    CHECK_FALSE(refused.reason("", at(10s)));
    CHECK_FALSE(refused.reason("a.", at(10s)));
}

TEST_CASE("coming again does not make the refusal last longer") {
    RefusedTokens refused(60s);
    refused.note("a", TokenError::expired, at(0s));
    refused.note("a", TokenError::expired, at(50s));
    CHECK(refused.size() == 1);
    CHECK_FALSE(refused.reason("a", at(60s)));
    refused.note("a", TokenError::bad_signature, at(60s));
    CHECK(refused.reason("a", at(60s)) == TokenError::bad_signature);
}

TEST_CASE("a token that is too early is not remembered: its time comes") {
    RefusedTokens refused(60s);
    refused.note("a", TokenError::not_yet_valid, at(0s));
    CHECK(refused.size() == 0);
    CHECK_FALSE(refused.reason("a", at(0s)));
}

TEST_CASE("so many refusals are remembered: the oldest goes first") {
    RefusedTokens refused(60s, 3);
    for (const auto* token : {"1", "2", "3", "4"}) {
        refused.note(token, TokenError::expired, at(0s));
        CHECK(refused.size() <= 3);
    }
    CHECK_FALSE(refused.reason("1", at(0s)));
    for (const auto* token : {"2", "3", "4"}) CHECK(refused.reason(token, at(0s)));
    for (int i = 0; i < 5; ++i) refused.note("4", TokenError::expired, at(1s));
    for (const auto* token : {"2", "3", "4"}) CHECK(refused.reason(token, at(1s)));
    RefusedTokens none(60s, 0);
    none.note("1", TokenError::expired, at(0s));
    CHECK(none.size() == 0);
}

TEST_CASE("what is past its window is given back, whatever comes next") {
    RefusedTokens refused(60s);
    for (int i = 0; i < 1000; ++i) {
        refused.note(std::to_string(i), TokenError::expired, at(0s));
    }
    CHECK(refused.size() == 1000);
    refused.note("next", TokenError::expired, at(60s));
    CHECK(refused.size() == 1);
}

TEST_CASE("when the keys change, all is forgotten") {
    RefusedTokens refused(60s);
    refused.note("a", TokenError::unknown_key, at(0s));
    refused.forget_all();
    CHECK(refused.size() == 0);
    CHECK_FALSE(refused.reason("a", at(0s)));
    refused.note("a", TokenError::expired, at(0s));
    CHECK(refused.reason("a", at(0s)) == TokenError::expired);
}

TEST_CASE("a token that is too long is not looked at") {
    RefusedTokens refused(60s);
    const std::string token(limits::token_bytes_max + 1, 'x');
    refused.note(token, TokenError::too_long, at(0s));
    CHECK(refused.size() == 0);
    CHECK_FALSE(refused.reason(token, at(0s)));
}
