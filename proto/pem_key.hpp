// pem_key: keys of RSA and of the curve P-256, from PEM or from the numbers of a JWK.
//
// OpenSSL does the work. A public key comes out parsed, for checks; a private one as one plain PEM
// block, for libjwt to sign with. Errors are sentences that follow "it ", and never say what a key
// holds.
#pragma once

#include <string>
#include <string_view>

#include "proto/result.hpp"
#include "proto/signature.hpp"
#include "proto/token_algorithm.hpp"

namespace roost {

// What a key is for is seen by its kind: rs256 or es256.
struct KnownKey {
    TokenAlgorithm algorithm{};
    PublicKey key;
};
struct PemKey {
    TokenAlgorithm algorithm{};
    std::string pem;
};

bool is_pem(std::string_view text);
// The one public key of the text. A private key in its place is refused.
Result<KnownKey, std::string> read_public_pem(std::string_view text);
Result<PemKey, std::string> read_private_pem(std::string_view text);

// Numbers are big-endian bytes, as a JWK has them.
Result<KnownKey, std::string> rsa_key(std::string_view modulus, std::string_view exponent);
Result<KnownKey, std::string> p256_key(std::string_view x, std::string_view y);

// Whether the bytes are a key or a certificate in a form that is not text (DER).
bool is_der(std::string_view bytes);

}  // namespace roost
