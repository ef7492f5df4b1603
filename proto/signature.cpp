#include "proto/signature.hpp"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>

#include "proto/openssl_handle.hpp"

namespace roost {

namespace {

using Digest = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Number = Handle<BIGNUM, BN_free>;
using EcdsaSignature = Handle<ECDSA_SIG, ECDSA_SIG_free>;

constexpr std::size_t number_bytes = 32;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// By SHA-256, and what belongs to the key: PKCS #1 v1.5 for RSA, ECDSA with a signature in DER.
bool is_verified(const PublicKey& key, std::string_view text, std::string_view signature) {
    const QuietErrors quiet;
    const Digest digest(EVP_MD_CTX_new());
    return digest && key &&
           EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
           EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(text),
                            text.size()) == 1;
}

Number number_of(std::string_view bytes) {
    return Number(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

// Whether the numbers are in the range that the curve allows is OpenSSL's to say.
std::string der_of(std::string_view signature) {
    const EcdsaSignature numbers(ECDSA_SIG_new());
    Number r = number_of(signature.substr(0, number_bytes));
    Number s = number_of(signature.substr(number_bytes));
    if (!numbers || !r || !s) return {};
    ECDSA_SIG_set0(numbers.get(), r.release(), s.release());
    // Two numbers of 33 bytes at most, each with a head of two, in a sequence with one.
    std::array<unsigned char, 2 + 2 * (2 + number_bytes + 1)> der{};
    auto* at = der.data();
    const int size = i2d_ECDSA_SIG(numbers.get(), &at);
    return {reinterpret_cast<const char*>(der.data()), static_cast<std::size_t>(std::max(0, size))};
}

}  // namespace

bool is_hs256(std::string_view secret, std::string_view text, std::string_view signature) {
    std::array<unsigned char, crypto_auth_hmacsha256_BYTES> right{};
    if (signature.size() != right.size()) return false;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, bytes_of(secret), secret.size());
    crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
    crypto_auth_hmacsha256_final(&state, right.data());
    // In a time that does not tell how much of it was right.
    return sodium_memcmp(right.data(), signature.data(), right.size()) == 0;
}

bool is_rs256(const PublicKey& key, std::string_view text, std::string_view signature) {
    return is_verified(key, text, signature);
}

bool is_es256(const PublicKey& key, std::string_view text, std::string_view signature) {
    if (signature.size() != 2 * number_bytes) return false;
    return is_verified(key, text, der_of(signature));
}

}  // namespace roost
