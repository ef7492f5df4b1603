// doubts: what the operator should know about options that are allowed, and what was loaded.
#pragma once

#include "daemon/options.hpp"

namespace roost {

class Certificate;

// Lines of the log.
void say_certificate(const Certificate& certificate);
void say_token_keys(const TokenKeys& keys);
void say_what_is_doubtful(const Options& options);

}  // namespace roost
