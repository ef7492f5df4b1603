// token: a client's proof of who it is: a JWT that one of our keys has signed. See token.md.
//
// check_token is all that a connection needs; its steps stand alone for those who explain them. A
// signature is checked after everything has been looked at that comes before it: one spelling of
// base64url, JSON objects in which no name stands twice, and an algorithm that belongs to the key.
// Tokens are made by libjwt, which sees nothing of a client's. Nothing is thrown, whatever the
// bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/claims.hpp"
#include "proto/json.hpp"
#include "proto/result.hpp"
#include "proto/token_error.hpp"
#include "proto/token_keys.hpp"

namespace roost {

// Times are seconds since 1970.
Result<Claims, TokenError> check_token(const TokenKeys& keys, const TokenPolicy& policy,
                                       std::string_view token, std::int64_t now, JsonReader& json);

// A token taken apart. Nothing of it has been proved.
struct TokenParts {
    std::string header;  // JSON
    std::string claims;  // JSON
    std::string algorithm;
    std::optional<std::string> kid;
    std::string signed_text;  // header and claims as they came, with their dot
    std::string signature;    // bytes; empty if it is not signed
};

Result<TokenParts, TokenError> open_token(std::string_view token, JsonReader& json);

// The key that has signed it. A token with a kid is checked by the keys of this kid and by those
// without one, a token without by all; always by keys of its algorithm only.
Result<const TokenKey*, TokenError> signer_of(const TokenKeys& keys, const TokenParts& parts);

struct NewToken {
    std::string subject;
    TopicGrants topics;                        // no claim if both lists are empty
    std::map<std::string, std::string> texts;  // further claims, all strings
    std::int64_t lifetime = 3600;              // seconds
};

// The error says which part cannot stand in a token, and what could.
Result<std::string, std::string> make_token(const SigningKey& key, const NewToken& content,
                                            std::int64_t now);

}  // namespace roost
