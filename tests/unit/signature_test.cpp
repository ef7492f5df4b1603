#include "proto/signature.hpp"

#include <openssl/err.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "proto/base64url.hpp"
#include "tests/unit/token_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::string_literals;

namespace {

struct Signed {
    std::string text, signature;
};

Signed signed_of(const std::string& token) {
    const auto dot = token.rfind('.');
    return {token.substr(0, dot), *from_base64url(std::string_view(token).substr(dot + 1))};
}

PublicKey public_key(const std::string& pem) {
    return keys_of(pem).keys.front().public_key;
}

std::string number_der(std::string number) {
    while (number.size() > 1 && number[0] == '\0' && !(number[1] & 0x80)) number.erase(0, 1);
    if (number[0] & 0x80) number.insert(0, 1, '\0');
    return "\x02" + std::string(1, static_cast<char>(number.size())) + number;
}

std::string der_of(const std::string& signature) {
    const auto numbers = number_der(signature.substr(0, 32)) + number_der(signature.substr(32));
    return "\x30" + std::string(1, static_cast<char>(numbers.size())) + numbers;
}

// How many points the curve P-256 has: no number of a signature is as large.
const auto order =
    "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"s;

}  // namespace

TEST_CASE("signature: ES256 is two numbers of 32 bytes, and nothing else") {
    const auto key = public_key(vectors::p256_public);
    const auto [text, good] = signed_of(vectors::es256_token);
    REQUIRE(good.size() == 64);
    REQUIRE(is_es256(key, text, good));
    const auto r = good.substr(0, 32);
    const auto s = good.substr(32);
    const std::string zero(32, '\0');
    const auto padded = "\0"s.append(r).append(1, '\0').append(s);
    for (const auto& bad : {""s,
                            r,
                            s,
                            good.substr(0, 63),
                            good.substr(1),
                            good + '\0',
                            '\0' + good,
                            good + good,
                            padded,
                            s + r,
                            zero + s,
                            r + zero,
                            zero + zero,
                            order + s,
                            r + order,
                            order + order,
                            zero.substr(1) + "\x01" + s,
                            r + zero.substr(1) + "\x01",
                            std::string(64, '\xff'),
                            der_of(good),
                            der_of(good).substr(0, 64)}) {
        INFO(base64url(bad));
        CHECK_FALSE(is_es256(key, text, bad));
    }
    CHECK_FALSE(is_es256(key, text + "A", good));
    CHECK_FALSE(is_es256(key, "", good));
    CHECK_FALSE(is_es256(nullptr, text, good));
}

TEST_CASE("signature: RS256 is as long as the key") {
    const auto key = public_key(vectors::rsa_public);
    const auto [text, good] = signed_of(vectors::rs256_token);
    REQUIRE(good.size() == 256);
    REQUIRE(is_rs256(key, text, good));
    for (const auto& bad :
         {""s, good.substr(0, 255), good.substr(1), good + '\0', '\0' + good, good + good,
          good.substr(0, 64), std::string(256, '\0'), std::string(255, '\0') + '\x01',
          std::string(256, '\xff'), std::string(6000, '\x01')}) {
        INFO(bad.size() << " " << base64url(bad));
        CHECK_FALSE(is_rs256(key, text, bad));
    }
    CHECK_FALSE(is_rs256(key, text + "A", good));
    CHECK_FALSE(is_rs256(nullptr, text, good));
}

TEST_CASE("signature: HS256 is 32 bytes") {
    const auto [text, good] = signed_of(vectors::hs256_token);
    REQUIRE(is_hs256(vectors::secret, text, good));
    for (const auto& bad : {""s, good.substr(0, 31), good.substr(1), good + '\0', '\0' + good,
                            std::string(32, '\0'), std::string(32, '\xff')}) {
        INFO(base64url(bad));
        CHECK_FALSE(is_hs256(vectors::secret, text, bad));
    }
    CHECK_FALSE(is_hs256(vectors::secret + '\0', text + "A", good));
    CHECK_FALSE(is_hs256("", text, good));
}

TEST_CASE("signature: what OpenSSL had against one is not left behind") {
    const auto rsa = public_key(vectors::rsa_public);
    const auto p256 = public_key(vectors::p256_public);
    CHECK_FALSE(is_rs256(rsa, "text", std::string(256, '\xff')));
    CHECK_FALSE(is_rs256(rsa, "text", "short"));
    CHECK_FALSE(is_es256(p256, "text", std::string(64, '\0')));
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE("signature: threads share a key") {
    const auto rsa = public_key(vectors::rsa_public);
    const auto p256 = public_key(vectors::p256_public);
    const auto of_rsa = signed_of(vectors::rs256_token);
    const auto of_p256 = signed_of(vectors::es256_token);
    std::atomic<int> wrong = 0;
    constexpr std::size_t many = 4;
    std::vector<std::thread> threads;
    threads.reserve(many);
    for (std::size_t i = 0; i < many; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 20; ++n) {
                if (!is_rs256(rsa, of_rsa.text, of_rsa.signature)) ++wrong;
                if (is_rs256(rsa, of_p256.text, of_rsa.signature)) ++wrong;
                if (!is_es256(p256, of_p256.text, of_p256.signature)) ++wrong;
                if (is_es256(p256, of_rsa.text, of_p256.signature)) ++wrong;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
}
