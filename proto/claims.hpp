// claims: what a token says of its bearer: who it is, until when, and what it may do.
//
// The text is one that a key has signed, which makes it true but not tidy: everything in it is
// bounded and checked. The claims, and what each may hold, are in token.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"
#include "proto/token_error.hpp"

namespace roost {

// What a token must say to be taken. An empty audience or issuer asks for none.
struct TokenPolicy {
    std::string audience;
    std::string issuer;
    std::int64_t leeway = 10;  // seconds by which clocks may differ
    bool needs_expiry = true;
};

// The topics that a token names, as patterns: exact, or a prefix that ends in '*'.
struct TopicGrants {
    std::vector<std::string> join;
    std::vector<std::string> push;
    bool operator==(const TopicGrants&) const = default;
};

// In each of the two lists.
inline constexpr std::size_t grants_max = 100;

struct Claims {
    std::string subject;                  // empty if it has no sub
    std::optional<std::int64_t> expires;  // seconds since 1970
    // The strings and whole numbers of the top level by their names, sub among them: what the
    // placeholders of rules stand for. The values are the bearer's: texts, never patterns.
    std::map<std::string, std::string, std::less<>> texts;
    // Nothing if the token leaves topics to the rules.
    std::optional<TopicGrants> topics;

    // Whether the token has nothing against it; what the rules say is another question.
    bool may_join(std::string_view topic) const;
    bool may_push(std::string_view topic) const;
};

// `json` is one valid JSON object in which no name stands twice; `now` is seconds since 1970.
Result<Claims, TokenError> read_claims(std::string_view json, const TokenPolicy& policy,
                                       std::int64_t now);

// The time that a raw JSON value says, in seconds since 1970; nothing if it is no number.
std::optional<std::int64_t> read_time(std::string_view raw);

// Whether the patterns may stand in a token.
bool are_grants(const TopicGrants& grants);

}  // namespace roost
