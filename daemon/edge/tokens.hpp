// tokens: checks the tokens of one shard's clients, by the keys of the node and the wall clock.
//
// One loop, one thread; the keys are shared, and exchanged as a whole.
#pragma once

#include <memory>

#include "daemon/core/bearer.hpp"
#include "daemon/core/refused_tokens.hpp"
#include "proto/json.hpp"
#include "proto/token.hpp"

namespace roost {

class Tokens final : public TokenCheck {
public:
    Tokens(std::shared_ptr<const TokenKeys> keys, TokenPolicy policy)
        : keys_(std::move(keys)), policy_(std::move(policy)) {}

    bool has_keys() const override { return !keys_->keys.empty(); }
    Result<Bearer, TokenError> check(std::string_view token, Time now) override;
    // For the tokens that come from now on.
    void renew(std::shared_ptr<const TokenKeys> keys);

private:
    std::shared_ptr<const TokenKeys> keys_;
    TokenPolicy policy_;
    RefusedTokens refused_;
    JsonReader json_;
};

}  // namespace roost
