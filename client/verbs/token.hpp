// token: what the verb "token" was asked for, for its two halves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/verbs/verbs.hpp"

namespace roost::verbs {

struct TokenArguments {
    std::string subject, kid, token, audience, issuer;
    std::vector<std::string> topics, join, push, claims, key_files;
    std::int64_t lifetime = 3600;
};

// Seconds since 1970.
std::int64_t now_unix();

// Explains a token, and says whether a daemon with these keys would take it.
int check(const Options& options, const TokenArguments& arguments);

}  // namespace roost::verbs
