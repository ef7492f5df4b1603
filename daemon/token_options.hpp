// token_options: what the operator asks of the tokens of clients.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proto/claims.hpp"
#include "proto/token_keys.hpp"

namespace CLI {
class App;
}

namespace roost {

struct TokenOptions {
    std::vector<std::string> key_files;
    TokenPolicy policy;
    bool is_insecure = false;
    std::shared_ptr<const TokenKeys> keys = std::make_shared<const TokenKeys>();
};

void add_token_options(CLI::App& app, TokenOptions& options);
// After the parse. Throws StartError.
void finish_token_options(TokenOptions& options);

}  // namespace roost
