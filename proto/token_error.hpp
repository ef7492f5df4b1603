// token_error: why a token is refused.
#pragma once

#include <cstdint>
#include <string_view>

namespace roost {

enum class TokenError : std::uint8_t {
    too_long,
    malformed,
    unsupported,
    unknown_key,
    bad_signature,
    bad_time,
    bad_text,
    bad_topics,
    no_expiry,
    expired,
    not_yet_valid,
    wrong_issuer,
    wrong_audience,
};

// Two or three words: for clients, and for the journal.
std::string_view name_of(TokenError error);
// What is wrong with the token, and what would be right, to follow "the token ".
std::string_view sentence_of(TokenError error);

}  // namespace roost
