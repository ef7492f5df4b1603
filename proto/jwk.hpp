// jwk: one key of a set of JSON Web Keys (RFC 7517, RFC 7518 section 6).
#pragma once

#include <string>
#include <string_view>

#include "proto/result.hpp"
#include "proto/token_keys.hpp"

namespace roost {

// `raw` is one valid JSON value. The error says why it is of no use here, to follow "the key ".
Result<TokenKey, std::string> read_jwk(std::string_view raw);

}  // namespace roost
