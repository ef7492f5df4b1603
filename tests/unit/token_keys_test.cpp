#include "proto/token_keys.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/token_fixture.hpp"

using namespace roost;
using namespace roost::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace rfc = vectors::rfc7515;

namespace {

std::string error_of(std::string_view file) {
    const auto keys = parse_token_keys(file);
    return keys ? "" : keys.error();
}

std::string signing_error_of(std::string_view file, std::optional<std::string> kid = {}) {
    const auto key = parse_signing_key(file, kid);
    return key ? "" : key.error();
}

TokenKey only_key_of(std::string_view file) {
    auto found = keys_of(file);
    REQUIRE(found.keys.size() == 1);
    CHECK(found.ignored.empty());
    return found.keys.front();
}

// The sentence about a JWK of no use.
std::string reason_against(const std::string& jwk) {
    const auto found = keys_of(set_of(rfc::es256_jwk + "," + jwk));
    REQUIRE(found.keys.size() == 1);
    REQUIRE(found.ignored.size() == 1);
    return found.ignored.front();
}

std::string oct_with(const std::string& members) {
    return R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T")" + members + "}";
}

}  // namespace

TEST_CASE("token keys: a file with anything in it is a secret, less its line end") {
    for (const auto* end : {"", "\n", "\r\n"}) {
        const auto key = only_key_of(vectors::secret + end);
        CHECK(key.algorithm == TokenAlgorithm::hs256);
        CHECK(key.secret == vectors::secret);
        CHECK_FALSE(key.kid);
    }
    CHECK(only_key_of(vectors::secret + "\n\n").secret == vectors::secret + "\n");
    std::string bytes(32, '\0');
    bytes[7] = '\n';
    CHECK(only_key_of(bytes).secret == bytes);
}

TEST_CASE("token keys: a secret has 32 bytes, or is refused without being told") {
    CHECK(only_key_of(std::string(32, 'x')).secret.size() == 32);
    CHECK_THAT(error_of(std::string(31, 'x') + "\n"),
               StartsWith("it holds 31 bytes, too few for a secret: use 32 random bytes or more"));
    CHECK_THAT(error_of(""), StartsWith("it holds 0 bytes"));
    CHECK_THAT(error_of("hunter2"), !Contains("hunter2"));
}

TEST_CASE("token keys: a public key as PEM tells its algorithm") {
    CHECK(only_key_of(vectors::rsa_public).algorithm == TokenAlgorithm::rs256);
    CHECK(only_key_of(vectors::p256_public).algorithm == TokenAlgorithm::es256);
    const auto commented = only_key_of("a comment\n" + vectors::p256_public);
    CHECK(commented.algorithm == TokenAlgorithm::es256);
    CHECK(commented.public_key);
    CHECK(commented.secret.empty());
    CHECK_FALSE(keys_of(vectors::rsa_public).has_secret());
    CHECK(keys_of(vectors::secret).has_secret());
}

TEST_CASE("token keys: PEM of another kind is refused, with the way out") {
    CHECK_THAT(error_of(vectors::rsa_private), Contains("is a private key") && Contains("-pubout"));
    CHECK_THAT(error_of(vectors::encrypted_private), Contains("is a private key"));
    CHECK_THAT(error_of(vectors::certificate), Contains("is a certificate") && Contains("x509"));
    CHECK_THAT(error_of(vectors::small_rsa_public), Contains("1024 bits: use 2048 or more"));
    for (const auto& other : {vectors::p384_public, vectors::ed25519_public}) {
        CHECK_THAT(error_of(other), Contains("use RSA, or EC on P-256"));
    }
    CHECK_THAT(error_of(vectors::rsa_public + vectors::p256_public), Contains("more than one"));
    auto broken = vectors::p256_public;
    broken[60] = broken[60] == 'A' ? 'B' : 'A';
    CHECK_FALSE(error_of(broken).empty());
    CHECK_THAT(error_of("-----BEGIN PUBLIC KEY-----\n"), Contains("is no public key in PEM"));
}

// Whoever knows a public key could else sign with it.
TEST_CASE("token keys: a public key in no text form is not taken for a secret") {
    const auto end = vectors::rsa_public.find("-----END");
    std::string base64 = vectors::rsa_public.substr(27, end - 27);
    std::string der(base64.size(), '\0');
    std::size_t size = 0;
    REQUIRE(sodium_base642bin(reinterpret_cast<unsigned char*>(der.data()), der.size(),
                              base64.data(), base64.size(), "\n", &size, nullptr,
                              sodium_base64_VARIANT_ORIGINAL) == 0);
    der.resize(size);
    CHECK_THAT(error_of(der), Contains("give it as PEM"));
    CHECK_THAT(error_of("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 someone@somewhere"),
               Contains("give it as PEM"));
}

TEST_CASE("token keys: a set of JWKs, with their names") {
    const auto found = keys_of("\n " + set_of(rfc::hs256_jwk + "," + rfc::rs256_jwk + "," +
                                              rfc::es256_jwk + "," + oct_with(R"(,"kid":"k4")")));
    REQUIRE(found.keys.size() == 4);
    CHECK(found.keys[0].algorithm == TokenAlgorithm::hs256);
    CHECK(found.keys[0].secret.size() == 64);
    CHECK_FALSE(found.keys[0].kid);
    CHECK(found.keys[1].algorithm == TokenAlgorithm::rs256);
    CHECK(found.keys[2].algorithm == TokenAlgorithm::es256);
    CHECK(found.keys[2].public_key);
    CHECK_FALSE(found.keys[0].public_key);
    CHECK(found.keys[3].kid == "k4");
    CHECK(found.has_secret());
}

TEST_CASE("token keys: what a JWK says it is for is heeded") {
    for (const auto* members : {R"(,"use":"sig","alg":"HS256")", R"(,"key_ops":["verify"])",
                                R"(,"key_ops":["sign","verify"],"other":[1])"}) {
        INFO(members);
        CHECK(keys_of(set_of(oct_with(members))).keys.size() == 1);
    }
    for (const auto* members : {R"(,"use":"enc")", R"(,"use":1)", R"(,"key_ops":["encrypt"])",
                                R"(,"key_ops":[])", R"(,"key_ops":"verify")"}) {
        INFO(members);
        CHECK_THAT(reason_against(oct_with(members)), Contains("not meant for signatures"));
    }
    for (const auto* members : {R"(,"alg":"HS512")", R"(,"alg":"RS256")", R"(,"alg":1)"}) {
        INFO(members);
        CHECK_THAT(reason_against(oct_with(members)), Contains("another algorithm"));
    }
}

TEST_CASE("token keys: JWKs of no use are left out, and told") {
    const std::string other = "use oct, RSA, or EC on P-256";
    CHECK(reason_against("7") == "key 2 of the set is no object");
    CHECK_THAT(reason_against("{}"), Contains(other));
    CHECK_THAT(reason_against(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"), Contains(other));
    CHECK_THAT(reason_against(R"({"kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA"})"),
               Contains(other));
    CHECK_THAT(reason_against(R"({"kty":"oct"})"), Contains("has no k"));
    CHECK_THAT(reason_against(R"({"kty":"oct","k":"a+b="})"), Contains("has no k"));
    CHECK_THAT(reason_against(R"({"kty":"oct","k":"c2hvcnQ"})"), Contains("less than 32 bytes"));
    CHECK_THAT(reason_against(R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","d":"AAAA"})"),
               Contains("is a private key"));
    CHECK_THAT(reason_against(R"({"kty":"RSA","n":"AQAB"})"), Contains("has no n and e"));
    CHECK_THAT(reason_against(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"), Contains("17 bits"));
    CHECK_THAT(reason_against(R"({"kty":"RSA","n":"","e":""})"), Contains("make no key"));
    CHECK_THAT(reason_against(R"({"kty":"RSA","e":"AQ","n":")" + rfc::rsa_modulus + "\"}"),
               Contains("make no key"));
    CHECK_THAT(reason_against(R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})"),
               Contains("not 32 bytes"));
    // A point beside the curve.
    CHECK_THAT(reason_against(R"({"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})"),
               Contains("make no key"));
    CHECK_THAT(reason_against(oct_with(R"(,"kid":7)")), Contains("kid that is no string"));
    CHECK_THAT(reason_against(oct_with(R"(,"kty":"oct")")), Contains("names something twice"));
}

TEST_CASE("token keys: a set without a key of use is refused, with the reasons") {
    CHECK(error_of(set_of(R"({"kty":"oct"},7)")) ==
          "it holds no key of use: key 1 of the set has no k in base64url; key 2 of the set is no "
          "object");
    CHECK(error_of(set_of("")) == "it holds no key of use");
    for (const auto* text : {"{}", R"({"keys":{}})", R"({"keys":"none"})"}) {
        CHECK(error_of(text) == R"(it has no array "keys": a set of JWKs is {"keys":[...]})");
    }
    CHECK(error_of("{\"keys\":[") == "it begins like JSON, but is not valid JSON");
    CHECK(error_of(set_of(std::string(2000, '[') + std::string(2000, ']'))) ==
          "it begins like JSON, but is not valid JSON");
}

TEST_CASE("signing keys: private PEM, a secret, or a secret of a set") {
    const auto rsa = parse_signing_key(vectors::rsa_private, std::nullopt);
    REQUIRE(rsa);
    CHECK(rsa->algorithm == TokenAlgorithm::rs256);
    CHECK_FALSE(rsa->kid);
    const auto p256 = parse_signing_key(vectors::p256_private, "ec-1");
    REQUIRE(p256);
    CHECK(p256->algorithm == TokenAlgorithm::es256);
    CHECK(p256->kid == "ec-1");
    const auto secret = parse_signing_key(vectors::secret + "\n", std::nullopt);
    REQUIRE(secret);
    CHECK(secret->bytes == vectors::secret);

    const auto set =
        set_of(oct_with(R"(,"kid":"a")") + "," + oct_with(R"(,"kid":"b")") + "," + rfc::rs256_jwk);
    const auto chosen = parse_signing_key(set, "b");
    REQUIRE(chosen);
    CHECK(chosen->kid == "b");
    CHECK_THAT(signing_error_of(set), Contains("several keys"));
    CHECK_THAT(signing_error_of(set, "c"), Contains("no secret (oct) key with the kid 'c'"));
    CHECK_THAT(signing_error_of(set_of(rfc::rs256_jwk)), Contains("private key as PEM"));
}

TEST_CASE("signing keys: what cannot sign is refused, with the way out") {
    CHECK_THAT(signing_error_of(vectors::rsa_public), Contains("give the private one"));
    CHECK_THAT(signing_error_of(vectors::encrypted_private), Contains("without a passphrase"));
    CHECK_THAT(signing_error_of("short"), Contains("too few for a secret"));
    CHECK_THAT(signing_error_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
               Contains("is no private key in PEM"));
}
