// token_key_files: the files in which the operator gives the keys of tokens.
//
// A file that holds a secret or a private key must not be readable by every user; one with public
// keys may be. Errors begin with the path.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/result.hpp"
#include "proto/token_keys.hpp"

namespace roost {

// The keys of all files, in their order; several while one is exchanged for another.
Result<TokenKeys, std::string> read_token_key_files(const std::vector<std::string>& paths);

Result<SigningKey, std::string> read_signing_key_file(const std::string& path,
                                                      const std::optional<std::string>& kid);

}  // namespace roost
