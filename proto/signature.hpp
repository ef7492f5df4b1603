// signature: whether the holder of a key has signed a text (RFC 7518, sections 3.2 to 3.4).
//
// A public key is parsed once, when it is read, and shared by all who check: parsing costs more
// than the check of a signature. OpenSSL checks RS256 and ES256, libsodium HS256. Any thread may
// call; a key does not change, and what OpenSSL keeps with it for the next time it locks itself
// (openssl-threads(7)). Nothing is thrown, and nothing is left in OpenSSL's queue of errors.
#pragma once

#include <memory>
#include <string_view>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace roost {

using PublicKey = std::shared_ptr<evp_pkey_st>;

// Which kind of key it is has been looked at before: an RSA key for RS256, one of P-256 for ES256.
bool is_hs256(std::string_view secret, std::string_view text, std::string_view signature);
bool is_rs256(const PublicKey& key, std::string_view text, std::string_view signature);
// The signature is the numbers r and s, of 32 bytes each, and no DER.
bool is_es256(const PublicKey& key, std::string_view text, std::string_view signature);

}  // namespace roost
