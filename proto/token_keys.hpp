// token_keys: the keys by which tokens are known, and those by which they are made.
//
// A file holds a set of JWKs, a public key as PEM, or a secret as it is. The key says which
// algorithm it is for; a token that names another is not checked by it at all. So neither "none"
// nor a signature that takes a public key for a secret can pass. What a file may hold is told in
// token.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"
#include "proto/signature.hpp"
#include "proto/token_algorithm.hpp"

namespace roost {

// Each costs a check of the signature, at worst, for a token that names no key.
inline constexpr std::size_t token_keys_max = 16;
// As long as what HS256 makes of it: a shorter one is guessed sooner.
inline constexpr std::size_t token_secret_bytes_min = 32;

struct TokenKey {
    TokenAlgorithm algorithm{};
    std::optional<std::string> kid;
    std::string secret;    // for HS256
    PublicKey public_key;  // for the others
    std::string source;    // the file that it came from, for people

    bool is_secret() const { return algorithm == TokenAlgorithm::hs256; }
};

struct TokenKeys {
    std::vector<TokenKey> keys;
    // Sentences about JWKs of no use here, which a set may have.
    std::vector<std::string> ignored;

    bool has_secret() const;
};

// What one file says. The error says what is wrong and what would be right, and never what it
// holds.
Result<TokenKeys, std::string> parse_token_keys(std::string_view text);

// A key that makes tokens: a private key as PEM, a secret, or an oct key of a set of JWKs.
struct SigningKey {
    TokenAlgorithm algorithm{};
    std::optional<std::string> kid;
    std::string bytes;  // the secret, or the private key as PEM
};

// `kid` chooses from a set; a key that has no name is given it.
Result<SigningKey, std::string> parse_signing_key(std::string_view text,
                                                  const std::optional<std::string>& kid);

}  // namespace roost
