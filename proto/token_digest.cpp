#include "proto/token_digest.hpp"

#include <sodium.h>

namespace roost {

TokenDigest digest_of(std::string_view token) {
    static_assert(sizeof(TokenDigest) >= crypto_generichash_BYTES_MIN);
    TokenDigest digest{};
    crypto_generichash(digest.data(), digest.size(),
                       reinterpret_cast<const unsigned char*>(token.data()), token.size(), nullptr,
                       0);
    return digest;
}

}  // namespace roost
