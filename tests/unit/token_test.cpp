#include "proto/token.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "proto/limits.hpp"
#include "tests/unit/token_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::string_literals;
namespace rfc = vectors::rfc7515;

namespace {

constexpr std::int64_t now = vectors::iat + 60;

Result<Claims, TokenError> check(const TokenKeys& keys, std::string_view token,
                                 std::int64_t at = now) {
    JsonReader json;
    return check_token(keys, TokenPolicy{}, token, at, json);
}

std::optional<TokenError> error_of(const TokenKeys& keys, std::string_view token,
                                   std::int64_t at = now) {
    const auto claims = check(keys, token, at);
    if (claims) return std::nullopt;
    return claims.error();
}

std::optional<TokenError> error_of(std::string_view token) {
    return error_of(keys_of(vectors::secret), token);
}

TokenKeys together(std::vector<TokenKeys> sets) {
    TokenKeys all;
    for (auto& set : sets) {
        for (auto& key : set.keys) all.keys.push_back(std::move(key));
    }
    return all;
}

TokenKeys named(TokenKeys keys, const std::string& kid) {
    for (auto& key : keys.keys) key.kid = kid;
    return keys;
}

struct Example {
    std::string key, token;
};

const std::vector<Example>& examples() {
    static const std::vector<Example> all = {{vectors::secret, vectors::hs256_token},
                                             {vectors::rsa_public, vectors::rs256_token},
                                             {vectors::p256_public, vectors::es256_token}};
    return all;
}

}  // namespace

TEST_CASE("token: the examples of RFC 7515") {
    const Example cases[] = {{rfc::hs256_jwk, rfc::hs256_token},
                             {rfc::rs256_jwk, rfc::rs256_token},
                             {rfc::es256_jwk, rfc::es256_token}};
    for (const auto& [jwk, token] : cases) {
        const auto keys = keys_of(set_of(jwk));
        const auto claims = check(keys, token, rfc::exp - 1);
        REQUIRE(claims);
        CHECK(claims->texts.at("iss") == "joe");
        CHECK(claims->expires == rfc::exp);
        CHECK(error_of(keys, token, rfc::exp + 60) == TokenError::expired);
    }
}

TEST_CASE("token: what others made is read, by secret and by PEM") {
    for (const auto& [key, token] : examples()) {
        const auto claims = check(keys_of(key), token);
        REQUIRE(claims);
        CHECK(claims->subject == "ada");
        CHECK(claims->texts.at("org") == "acme");
        CHECK(claims->texts.at("level") == "7");
        CHECK(claims->topics == TopicGrants{{"room:*"}, {"room:1"}});
        TokenPolicy policy;
        JsonReader json;
        policy.audience = "sms";
        const auto refused = check_token(keys_of(key), policy, token, now, json);
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == TokenError::wrong_audience);
    }
}

// Whatever is changed, the token is worth nothing: there is no second spelling of one.
TEST_CASE("token: no byte of a token can be changed, left out or added") {
    for (const auto& [key, token] : examples()) {
        const auto keys = keys_of(key);
        for (std::size_t at = 0; at < token.size(); ++at) {
            for (const char c : {'A', 'B', '_', '.', '=', '\0', '\n', '\xff'}) {
                auto changed = token;
                changed[at] = c;
                if (changed == token) continue;
                INFO(at << " " << int(c) << " of " << token);
                REQUIRE(error_of(keys, changed));
            }
            // Each bit, of which the last of a part are spare.
            for (unsigned bit = 0; bit < 8; ++bit) {
                auto changed = token;
                changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
                INFO(at << " bit " << bit << " of " << token);
                REQUIRE(error_of(keys, changed));
            }
            REQUIRE(error_of(keys, token.substr(0, at) + token.substr(at + 1)));
            REQUIRE(error_of(keys, token.substr(0, at)));
            REQUIRE(error_of(keys, token.substr(0, at) + token[at] + token.substr(at)));
        }
        CHECK(error_of(keys, token + "A"));
        CHECK(error_of(keys, token + "="));
        CHECK(error_of(keys, token + "."));
        CHECK(error_of(keys, token + "\0"s));
        CHECK(error_of(keys, " " + token));
        CHECK_FALSE(error_of(keys, token));
    }
}

TEST_CASE("token: an unsigned token is refused, however it spells none") {
    const auto all = together({keys_of(vectors::secret), keys_of(vectors::rsa_public)});
    CHECK(error_of(all, vectors::unsigned_token) == TokenError::unknown_key);
    for (const auto* alg : {"none", "None", "NONE", "", "nOnE"}) {
        const auto header = R"({"alg":")"s + alg + R"("})";
        const auto body = base64url(header) + "." + base64url(R"({"exp":1700003600})");
        CHECK(error_of(all, body + ".") == TokenError::unknown_key);
        CHECK(error_of(all, with_header(header)) == TokenError::unknown_key);
    }
    const auto& signed_token = vectors::hs256_token;
    CHECK(error_of(signed_token.substr(0, signed_token.rfind('.') + 1)) ==
          TokenError::bad_signature);
    CHECK(error_of(signed_token.substr(0, signed_token.rfind('.'))) == TokenError::malformed);
}

TEST_CASE("token: a public key is no secret, whatever the token says") {
    const auto rsa = keys_of(vectors::rsa_public);
    CHECK(error_of(rsa, vectors::confused_token) == TokenError::unknown_key);
    CHECK(error_of(together({rsa, keys_of(vectors::secret)}), vectors::confused_token) ==
          TokenError::bad_signature);
    for (const auto& pem : {vectors::rsa_public, vectors::p256_public}) {
        const auto keys = keys_of(pem);
        for (const auto* alg : {"HS256", "RS256", "ES256"}) {
            const auto header = R"({"alg":")"s + alg + R"("})";
            CHECK(error_of(keys, signed_by(pem, header, R"({"exp":1700003600})")));
            // And the secret that such a key has not.
            CHECK(error_of(keys, signed_by("", header, R"({"exp":1700003600})")));
        }
    }
}

TEST_CASE("token: the key decides the algorithm") {
    const auto secret = keys_of(vectors::secret);
    for (const auto* alg : {"hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA", "HS256 "}) {
        INFO(alg);
        CHECK(error_of(with_header(R"({"alg":")"s + alg + R"("})")) == TokenError::unknown_key);
    }
    CHECK_FALSE(error_of(with_header(R"({"alg":"HS256"})")));
    CHECK(error_of(keys_of(vectors::p256_public), vectors::rs256_token) == TokenError::unknown_key);
    CHECK(error_of(keys_of(vectors::rsa_public), vectors::es256_token) == TokenError::unknown_key);
    CHECK(error_of(keys_of(set_of(rfc::rs256_jwk)), vectors::rs256_token) ==
          TokenError::bad_signature);
    CHECK(error_of(keys_of(set_of(rfc::es256_jwk)), vectors::es256_token) ==
          TokenError::bad_signature);
}

TEST_CASE("token: a kid is checked by the keys of its name and by those without one") {
    const auto old_key = named(keys_of(std::string(40, 'o')), "old");
    const auto new_key = named(keys_of(vectors::secret), "new");
    const auto both = together({old_key, new_key});
    const auto with_kid = [](const char* kid) {
        return with_header(R"({"alg":"HS256","kid":")"s + kid + R"("})");
    };
    CHECK_FALSE(error_of(both, with_kid("new")));
    CHECK(error_of(both, with_kid("old")) == TokenError::bad_signature);
    CHECK(error_of(both, with_kid("other")) == TokenError::unknown_key);
    CHECK(error_of(both, with_kid("")) == TokenError::unknown_key);
    CHECK_FALSE(error_of(keys_of(vectors::secret), with_kid("other")));
    CHECK(error_of(named(keys_of(vectors::rsa_public), "rsa-2"), vectors::rs256_token) ==
          TokenError::unknown_key);
    CHECK_FALSE(error_of(named(keys_of(vectors::rsa_public), "rsa-1"), vectors::rs256_token));
}

TEST_CASE("token: while keys are exchanged, both are good") {
    const auto keys = together({keys_of(std::string(40, 'n')), keys_of(set_of(rfc::rs256_jwk)),
                                keys_of(vectors::secret), keys_of(vectors::rsa_public),
                                keys_of(vectors::p256_public)});
    JsonReader json;
    for (std::size_t i = 0; i < examples().size(); ++i) {
        const auto& [key, token] = examples()[i];
        CHECK_FALSE(error_of(keys, token));
        const auto parts = open_token(token, json);
        REQUIRE(parts);
        const auto signer = signer_of(keys, *parts);
        REQUIRE(signer);
        CHECK(*signer == &keys.keys[i + 2]);
    }
    CHECK(error_of(keys, signed_by(std::string(40, 'x'), R"({"alg":"HS256"})", "{}")) ==
          TokenError::bad_signature);
    CHECK(error_of(TokenKeys{}, vectors::hs256_token) == TokenError::unknown_key);
}

TEST_CASE("token: what is not three parts of base64url is malformed") {
    const auto& good = vectors::hs256_token;
    const auto second = good.find('.') + 1;
    for (const auto& token :
         {""s, "."s, ".."s, "..."s, "a"s, "a.b.c"s, std::string(8192, '.'), std::string(8192, 'A'),
          good.substr(second), good + ".a", good + ".a.b", "." + good, "Bearer " + good,
          good.substr(0, second) + good.substr(good.rfind('.')), std::string(100, '\xff'),
          "eyJhbGciOiJIUzI1NiJ9.."s}) {
        INFO(token);
        CHECK(error_of(token) == TokenError::malformed);
    }
}

TEST_CASE("token: a header that is not one JSON object is malformed") {
    for (const auto& header : {""s,
                               "null"s,
                               "[]"s,
                               "\"HS256\""s,
                               "{"s,
                               "{}"s,
                               "{}{}"s,
                               R"({"alg":"HS256"},)"s,
                               R"({"alg":"HS256"}])"s,
                               R"({"alg":"HS256",})"s,
                               R"({"alg":null})"s,
                               R"({"alg":["HS256"]})"s,
                               R"({"alg":"HS256","alg":"HS256"})"s,
                               R"({"alg":"HS256","a\u006cg":"none"})"s,
                               R"({"alg":"none","alg":"HS256"})"s,
                               R"({"alg":"HS256","kid":7})"s,
                               R"({"alg":"HS256","kid":null})"s,
                               R"({"alg":"HS256","typ":1})"s,
                               "{\"alg\":\"HS256\"}\0"s,
                               "{\"alg\":\"HS256\",\"x\":\"\xff\"}"s,
                               "\xef\xbb\xbf{\"alg\":\"HS256\"}"s}) {
        INFO(header);
        CHECK(error_of(with_header(header)) == TokenError::malformed);
    }
    CHECK_FALSE(error_of(with_header(" {\"alg\" :\r\n \"HS\\u003256\" }\n")));
}

TEST_CASE("token: what the header asks for beyond a signature is unsupported") {
    for (const auto* header :
         {R"({"alg":"HS256","crit":["exp"]})", R"({"alg":"HS256","crit":[],"b64":false})",
          R"({"alg":"HS256","typ":"at+jwt"})", R"({"alg":"HS256","typ":"JW"})",
          R"({"alg":"HS256","typ":""})"}) {
        INFO(header);
        CHECK(error_of(with_header(header)) == TokenError::unsupported);
    }
    CHECK_FALSE(error_of(with_header(R"({"alg":"HS256","typ":"jwt","jku":"http://a","x":[1]})")));
}

TEST_CASE("token: claims that are not one JSON object are malformed") {
    for (const auto& claims :
         {""s, "null"s, "[]"s, "7"s, "\"ada\""s, "{"s, "{}{}"s, R"({"exp":1700003600,})"s,
          R"({"exp":01700003600})"s, R"({"exp":NaN})"s, R"({"exp":1e400})"s,
          R"({"exp":1700003600,"exp":1700003600})"s, R"({"exp":1700003600,"\u0065xp":9999999999})"s,
          "{\"exp\":1700003600,\"sub\":\"\xff\"}"s, "{\"exp\":1700003600,\"sub\":\"\xc0\xaf\"}"s,
          R"({"exp":1700003600,"sub":"\ud800"})"s, "{\"exp\":1700003600,\"sub\":\"a\nb\"}"s,
          "{\"exp\":1700003600}\0"s, "{\"exp\":1700003600\0}"s}) {
        INFO(claims);
        CHECK(error_of(with_claims(claims)) == TokenError::malformed);
    }
    CHECK_FALSE(error_of(with_claims("\n{\"exp\" : 1700003600 }\r\n")));
}

TEST_CASE("token: integers beyond 64 bits and U+0000 are what they say") {
    const auto keys = keys_of(vectors::secret);
    const auto claims = check(keys, with_claims(R"({"exp":99999999999999999999,"s":"a\u0000b",)"
                                                R"("sub":-99999999999999999999})"));
    REQUIRE(claims);
    CHECK(claims->texts.at("s") == "a\0b"s);
    CHECK(claims->subject == "-99999999999999999999");
    CHECK(error_of(with_claims(R"({"exp":-99999999999999999999})")) == TokenError::expired);
    CHECK_FALSE(error_of(with_claims(R"({"exp":9223372036854775807})")));
    CHECK(error_of(with_claims(R"({"exp":-9223372036854775808})")) == TokenError::expired);
}

TEST_CASE("token: depth is bounded, and so is length") {
    const auto nested = [](std::size_t depth) {
        return R"({"exp":1700003600,"deep":)" + std::string(depth, '[') + std::string(depth, ']') +
               "}";
    };
    CHECK_FALSE(error_of(with_claims(nested(50))));
    CHECK(error_of(with_claims(nested(70))) == TokenError::malformed);
    CHECK(error_of(with_claims(nested(2900))) == TokenError::malformed);

    const auto padded = [](std::size_t size) {
        return with_claims(R"({"exp":1700003600,"fill":")" + std::string(size, 'x') + "\"}");
    };
    std::size_t size = 6000;
    while (padded(size + 1).size() <= limits::token_bytes_max) ++size;
    CHECK_FALSE(error_of(padded(size)));
    CHECK(error_of(padded(size + 1)) == TokenError::too_long);
    CHECK(error_of(std::string(10'000'000, 'A')) == TokenError::too_long);
}

TEST_CASE("token: only what is signed is asked what it says") {
    const auto forged = signed_by("another secret, of thirty-two bytes", R"({"alg":"HS256"})",
                                  R"({"exp":1,"sub":[]})");
    CHECK(error_of(forged) == TokenError::bad_signature);
    CHECK(error_of(with_claims(R"({"exp":1,"sub":[]})")) == TokenError::bad_text);
    CHECK(error_of(with_claims(R"({"exp":1})")) == TokenError::expired);
    CHECK(error_of(with_claims(R"({"sub":"ada"})")) == TokenError::no_expiry);
    CHECK(error_of(with_claims(R"({"exp":1700003600,"nbf":1700003000})")) ==
          TokenError::not_yet_valid);
}

TEST_CASE("token: each refusal has its own name and sentence") {
    std::set<std::string_view> names;
    std::set<std::string_view> sentences;
    constexpr auto last = static_cast<int>(TokenError::wrong_audience);
    for (int i = 0; i <= last; ++i) {
        names.insert(name_of(static_cast<TokenError>(i)));
        sentences.insert(sentence_of(static_cast<TokenError>(i)));
    }
    CHECK(names.size() == last + 1);
    CHECK(sentences.size() == last + 1);
    CHECK(names.count("bad token") == 0);
}
