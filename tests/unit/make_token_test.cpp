#include <catch2/catch.hpp>

#include "tests/unit/token_fixture.hpp"

using namespace roost;
using namespace roost::test;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t now = vectors::iat;

SigningKey signing_key(std::string_view file, std::optional<std::string> kid = {}) {
    auto key = parse_signing_key(file, kid);
    REQUIRE(key);
    return std::move(*key);
}

std::string made(const SigningKey& key, const NewToken& content) {
    auto token = make_token(key, content, now);
    REQUIRE(token);
    return std::move(*token);
}

std::string error_of(const NewToken& content) {
    const auto token = make_token(signing_key(vectors::secret), content, now);
    return token ? "" : token.error();
}

NewToken for_ada() {
    NewToken content;
    content.subject = "ada";
    return content;
}

}  // namespace

TEST_CASE("a token that is made is one that is taken, until it ends") {
    const std::pair<std::string, std::string> pairs[] = {
        {vectors::secret, vectors::secret},
        {vectors::rsa_private, vectors::rsa_public},
        {vectors::p256_private, vectors::p256_public}};
    auto content = for_ada();
    content.topics = {{"room:*", "news"}, {"room:1"}};
    content.texts = {{"org", "\"acme\"\n\xc3\xa9"}, {"aud", "chat"}};
    content.lifetime = 60;
    for (const auto& [signing, checking] : pairs) {
        // A number of an EC signature begins with a zero now and then, and is made whole again.
        for (int i = 0; i < 20; ++i) {
            const auto token = made(signing_key(signing, "k"), content);
            JsonReader json;
            TokenPolicy policy;
            policy.leeway = 0;
            policy.audience = "chat";
            const auto claims = check_token(keys_of(checking), policy, token, now + 59, json);
            REQUIRE(claims);
            CHECK(claims->subject == "ada");
            CHECK(claims->texts.at("org") == content.texts["org"]);
            CHECK(claims->topics == content.topics);
            const auto late = check_token(keys_of(checking), policy, token, now + 60, json);
            REQUIRE_FALSE(late);
            CHECK(late.error() == TokenError::expired);
            const auto parts = open_token(token, json);
            REQUIRE(parts);
            CHECK(parts->kid == "k");
        }
    }
}

TEST_CASE("a token without topics leaves them to the rules, and one without kid has none") {
    JsonReader json;
    const auto parts = open_token(made(signing_key(vectors::secret), for_ada()), json);
    REQUIRE(parts);
    CHECK_FALSE(parts->kid);
    CHECK(parts->header == R"({"alg":"HS256","typ":"JWT"})");
    CHECK(parts->claims == R"({"exp":1700003600,"iat":1700000000,"sub":"ada"})");
}

TEST_CASE("what cannot stand in a token is refused, with the reason") {
    auto content = for_ada();
    for (const auto* name : {"sub", "exp", "iat", "nbf", "topics"}) {
        content.texts = {{name, "x"}};
        CHECK_THAT(error_of(content), Contains("the claim " + std::string(name)));
    }
    content.texts.clear();
    content.topics.push = {"a*b"};
    CHECK_THAT(error_of(content), Contains("a topic pattern"));
    content.topics.push = std::vector<std::string>(101, "a");
    CHECK_THAT(error_of(content), Contains("at most 100"));
    content.topics.push.clear();
    content.subject = "\xff";
    CHECK_THAT(error_of(content), Contains("UTF-8"));
    content.subject = std::string(8000, 'x');
    CHECK_THAT(error_of(content), Contains("say less in it"));
    const auto bad_kid = make_token(signing_key(vectors::secret, "\xff"), for_ada(), now);
    REQUIRE_FALSE(bad_kid);
    CHECK_THAT(bad_kid.error(), Contains("UTF-8"));
}
