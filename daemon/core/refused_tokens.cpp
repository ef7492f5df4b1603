#include "daemon/core/refused_tokens.hpp"

#include "proto/limits.hpp"

namespace roost {

namespace {

bool is_worth_a_digest(std::string_view token) {
    return token.size() <= limits::token_bytes_max;
}

}  // namespace

void RefusedTokens::note(std::string_view token, TokenError error, Time now) {
    if (error == TokenError::not_yet_valid || !is_worth_a_digest(token)) return;
    const auto drop_oldest = [&] {
        reasons_.erase(order_.front());
        order_.pop_front();
    };
    while (!order_.empty() && reasons_.at(order_.front()).until <= now) drop_oldest();
    const auto digest = digest_of(token);
    // A repetition does not make the window longer.
    if (!reasons_.try_emplace(digest, Refusal{error, now + window_}).second) return;
    order_.push_back(digest);
    if (order_.size() > tokens_max_) drop_oldest();
}

std::optional<TokenError> RefusedTokens::reason(std::string_view token, Time now) const {
    if (reasons_.empty() || !is_worth_a_digest(token)) return std::nullopt;
    const auto found = reasons_.find(digest_of(token));
    if (found == reasons_.end() || found->second.until <= now) return std::nullopt;
    return found->second.error;
}

void RefusedTokens::forget_all() {
    reasons_.clear();
    order_.clear();
}

}  // namespace roost
