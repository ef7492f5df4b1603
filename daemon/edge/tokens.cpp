#include "daemon/edge/tokens.hpp"

#include <algorithm>
#include <chrono>

namespace roost {

namespace {
// Beyond any node's life, and within what a Time can hold.
constexpr std::int64_t lifetime_max = std::int64_t{100} * 365 * 86'400;
}  // namespace

Result<Bearer, TokenError> Tokens::check(std::string_view token, Time now) {
    if (const auto known = refused_.reason(token, now)) return Unexpected{*known};
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t unix_now = std::chrono::duration_cast<std::chrono::seconds>(wall).count();
    auto claims = check_token(*keys_, policy_, token, unix_now, json_);
    if (!claims) {
        refused_.note(token, claims.error(), now);
        return Unexpected{claims.error()};
    }
    Bearer bearer;
    if (claims->expires && *claims->expires < unix_now + lifetime_max) {
        bearer.expires = now + std::chrono::seconds(*claims->expires - unix_now + policy_.leeway);
    }
    bearer.claims = std::move(*claims);
    return bearer;
}

void Tokens::renew(std::shared_ptr<const TokenKeys> keys) {
    keys_ = std::move(keys);
    refused_.forget_all();
}

}  // namespace roost
