#include "proto/pem_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "proto/openssl_handle.hpp"

namespace roost {

namespace {

using Number = Handle<BIGNUM, BN_free>;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Params = Handle<OSSL_PARAM, OSSL_PARAM_free>;
using ParamsBuild = Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Certificate = Handle<X509, X509_free>;

// Of 2048 bits and more a forger despairs; beyond 8192 each check costs milliseconds.
constexpr int rsa_bits_min = 2048;
constexpr int rsa_bits_max = 8192;
constexpr std::string_view curve = "prime256v1";
constexpr std::string_view begin_mark = "-----BEGIN ";

// For a key with a passphrase: without this OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

Bio bio_of(std::string_view text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<TokenAlgorithm, std::string> algorithm_of(const EVP_PKEY* key) {
    const int kind = EVP_PKEY_get_base_id(key);
    if (kind == EVP_PKEY_RSA) {
        const int bits = EVP_PKEY_get_bits(key);
        if (bits >= rsa_bits_min && bits <= rsa_bits_max) return TokenAlgorithm::rs256;
        return Unexpected{"is an RSA key of " + std::to_string(bits) +
                          " bits: use 2048 or more, up to 8192"};
    }
    std::array<char, 64> group{};
    if (kind == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
        curve == group.data()) {
        return TokenAlgorithm::es256;
    }
    return Unexpected{std::string("is of a kind that is not known here: use RSA, or EC on P-256")};
}

Result<KnownKey, std::string> known(Key key) {
    const auto algorithm = algorithm_of(key.get());
    if (!algorithm) return Unexpected{algorithm.error()};
    return KnownKey{*algorithm, PublicKey(std::move(key))};
}

Result<PemKey, std::string> written(const EVP_PKEY* key) {
    const auto algorithm = algorithm_of(key);
    if (!algorithm) return Unexpected{algorithm.error()};
    const Bio out(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return Unexpected{std::string("cannot be written as PEM")};
    }
    return PemKey{*algorithm, text_of(out.get())};
}

// How many blocks the text has whose label ends like this.
std::size_t blocks(std::string_view text, std::string_view label_end) {
    std::size_t count = 0;
    for (auto at = text.find(begin_mark); at != std::string_view::npos;
         at = text.find(begin_mark, at + 1)) {
        const auto label = text.substr(at, text.find('\n', at) - at);
        if (label.find(std::string(label_end) + "-----") != std::string_view::npos) ++count;
    }
    return count;
}

Result<KnownKey, std::string> made(const char* kind, OSSL_PARAM* params) {
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* raw = nullptr;
    const bool is_made = context && params != nullptr &&
                         EVP_PKEY_fromdata_init(context.get()) == 1 &&
                         EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params) == 1;
    Key key(raw);
    if (!is_made) return Unexpected{std::string("has numbers that make no key")};
    return known(std::move(key));
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Number number_of(std::string_view bytes) {
    return Number(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

}  // namespace

bool is_pem(std::string_view text) {
    return text.find(begin_mark) != std::string_view::npos;
}

Result<KnownKey, std::string> read_public_pem(std::string_view text) {
    const QuietErrors quiet;
    if (blocks(text, "PRIVATE KEY") > 0) {
        return Unexpected{
            std::string("is a private key, which belongs to whoever makes tokens: give the public "
                        "one (openssl pkey -in FILE -pubout)")};
    }
    if (blocks(text, "CERTIFICATE") > 0) {
        return Unexpected{
            std::string("is a certificate: give its public key (openssl x509 -in FILE -noout "
                        "-pubkey)")};
    }
    if (blocks(text, "PUBLIC KEY") > 1) {
        return Unexpected{std::string("holds more than one public key: give each its own file")};
    }
    Key key(PEM_read_bio_PUBKEY(bio_of(text).get(), nullptr, no_passphrase, nullptr));
    if (!key) return Unexpected{std::string("is no public key in PEM (BEGIN PUBLIC KEY)")};
    return known(std::move(key));
}

Result<PemKey, std::string> read_private_pem(std::string_view text) {
    const QuietErrors quiet;
    if (blocks(text, "ENCRYPTED PRIVATE KEY") > 0 || text.find("Proc-Type:") != text.npos) {
        return Unexpected{
            std::string("is encrypted: give one without a passphrase (openssl pkey -in FILE)")};
    }
    if (blocks(text, "PRIVATE KEY") == 0 && blocks(text, "PUBLIC KEY") > 0) {
        return Unexpected{
            std::string("is a public key, which signs nothing: give the private one")};
    }
    const Key key(PEM_read_bio_PrivateKey(bio_of(text).get(), nullptr, no_passphrase, nullptr));
    if (!key) return Unexpected{std::string("is no private key in PEM (BEGIN PRIVATE KEY)")};
    return written(key.get());
}

Result<KnownKey, std::string> rsa_key(std::string_view modulus, std::string_view exponent) {
    const QuietErrors quiet;
    const Number n = number_of(modulus);
    const Number e = number_of(exponent);
    // With the exponent 1 every signature would be right.
    if (!n || !e || !BN_is_odd(e.get()) || BN_is_one(e.get())) {
        return Unexpected{std::string("has numbers that make no key")};
    }
    const ParamsBuild build(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
    return made("RSA", Params(OSSL_PARAM_BLD_to_param(build.get())).get());
}

Result<KnownKey, std::string> p256_key(std::string_view x, std::string_view y) {
    const QuietErrors quiet;
    constexpr std::size_t coordinate_bytes = 32;
    if (x.size() != coordinate_bytes || y.size() != coordinate_bytes) {
        return Unexpected{std::string("has an x or a y that is not 32 bytes")};
    }
    std::string point = "\x04";  // uncompressed
    point.append(x).append(y);
    const ParamsBuild build(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.data(),
                                    curve.size());
    OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
    return made("EC", Params(OSSL_PARAM_BLD_to_param(build.get())).get());
}

bool is_der(std::string_view bytes) {
    const QuietErrors quiet;
    const auto size = static_cast<long>(bytes.size());
    const auto* at = bytes_of(bytes);
    if (Key(d2i_PUBKEY(nullptr, &at, size))) return true;
    at = bytes_of(bytes);
    if (Key(d2i_AutoPrivateKey(nullptr, &at, size))) return true;
    at = bytes_of(bytes);
    return Certificate(d2i_X509(nullptr, &at, size)) != nullptr;
}

}  // namespace roost
