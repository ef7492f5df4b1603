// refused_tokens: tokens that were refused not long ago, and why.
//
// So that a client that comes again and again with a dead token costs no check of a signature: ask
// before check_token, and note what it says. What is too long is refused without this.
//
// Tokens are known by a digest that nobody can make two of, so that no token is taken for another.
// Remembered for a window of time, and at most so many: the oldest goes first. A token that is only
// too early is not remembered: its time comes. Pure; one for each loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>

#include "daemon/core/time.hpp"
#include "proto/token_digest.hpp"
#include "proto/token_error.hpp"

namespace roost {

class RefusedTokens {
public:
    explicit RefusedTokens(Duration window = std::chrono::minutes(1),
                           std::size_t tokens_max = 10'000)
        : window_(window), tokens_max_(tokens_max) {}

    void note(std::string_view token, TokenError error, Time now);
    // Why it was refused, if that is known.
    std::optional<TokenError> reason(std::string_view token, Time now) const;
    // When keys or policy have changed: what was refused may be right now.
    void forget_all();
    std::size_t size() const { return reasons_.size(); }

private:
    struct Refusal {
        TokenError error;
        Time until;
    };

    Duration window_;
    std::size_t tokens_max_;
    // A tree: what clients choose must not decide how long it takes to find something.
    std::map<TokenDigest, Refusal> reasons_;
    std::deque<TokenDigest> order_;
};

}  // namespace roost
