// bearer: who a connection is, by the token that it has shown.
#pragma once

#include <string_view>

#include "daemon/core/time.hpp"
#include "proto/claims.hpp"
#include "proto/result.hpp"
#include "proto/token_error.hpp"

namespace roost {

struct Bearer {
    Claims claims;
    Time expires = never;
};

// Checks tokens. The edge has the keys, and the clock by which they expire.
class TokenCheck {
public:
    virtual ~TokenCheck() = default;
    // Without keys every token is as good as none.
    virtual bool has_keys() const = 0;
    virtual Result<Bearer, TokenError> check(std::string_view token, Time now) = 0;
};

}  // namespace roost
