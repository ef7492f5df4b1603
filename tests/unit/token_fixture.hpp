// token_fixture: tokens with any header and any claims, signed without the code that is tested.
#pragma once

#include <sodium.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "proto/token.hpp"
#include "tests/unit/token_vectors.hpp"

namespace roost::test {

inline std::string base64url(std::string_view bytes) {
    constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), variant);
    text.pop_back();  // the terminating zero
    return text;
}

// HS256 by libsodium.
inline std::string signed_by(std::string_view secret, std::string_view header,
                             std::string_view claims) {
    std::string token = base64url(header) + '.' + base64url(claims);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()),
                                secret.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(token.data()),
                                  token.size());
    std::string signature(crypto_auth_hmacsha256_BYTES, '\0');
    crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(signature.data()));
    return token + '.' + base64url(signature);
}

inline std::string with_header(std::string_view header,
                               std::string_view claims = R"({"exp":1700003600})") {
    return signed_by(vectors::secret, header, claims);
}
inline std::string with_claims(std::string_view claims) {
    return with_header(R"({"alg":"HS256"})", claims);
}

// Throws what is wrong with the file, so that a test need not ask.
inline TokenKeys keys_of(std::string_view file) {
    auto keys = parse_token_keys(file);
    if (!keys) throw std::runtime_error(keys.error());
    return std::move(*keys);
}

inline std::string set_of(std::string_view jwks) {
    return "{\"keys\":[" + std::string(jwks) + "]}";
}

}  // namespace roost::test
