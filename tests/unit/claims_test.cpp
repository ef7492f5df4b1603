#include "proto/claims.hpp"

#include <catch2/catch.hpp>

using namespace roost;

namespace {

constexpr std::int64_t now = 1'700'000'000;

TokenPolicy lenient() {
    TokenPolicy policy;
    policy.leeway = 0;
    policy.needs_expiry = false;
    return policy;
}

Claims claims_of(std::string_view json, const TokenPolicy& policy = lenient()) {
    auto claims = read_claims(json, policy, now);
    REQUIRE(claims);
    return std::move(*claims);
}

std::optional<TokenError> error_of(std::string_view json, const TokenPolicy& policy = lenient()) {
    const auto claims = read_claims(json, policy, now);
    if (claims) return std::nullopt;
    return claims.error();
}

std::string with_exp(std::int64_t exp) {
    return "{\"exp\":" + std::to_string(exp) + "}";
}

std::string repeated(std::string_view pattern, std::size_t count) {
    std::string json = "[";
    for (std::size_t i = 0; i < count; ++i) {
        json.append(i == 0 ? "\"" : ",\"").append(pattern).append("\"");
    }
    return json + "]";
}

}  // namespace

TEST_CASE("claims: subject, expiry, and the texts of the top level") {
    const auto claims = claims_of(
        R"({ "sub" : "ad\u0061", "exp":1700000001, "org":"acme", "level":-7, "part":1.5, "on":true,
             "none":null, "deep":{"org":"other"}, "list":["x"] })");
    CHECK(claims.subject == "ada");
    CHECK(claims.expires == 1'700'000'001);
    CHECK(claims.texts ==
          std::map<std::string, std::string, std::less<>>{
              {"sub", "ada"}, {"exp", "1700000001"}, {"org", "acme"}, {"level", "-7"}});
    CHECK_FALSE(claims.topics);
}

TEST_CASE("claims: a subject may be missing, or a whole number, and nothing else") {
    CHECK(claims_of("{}").subject.empty());
    CHECK(claims_of(R"({"sub":42})").subject == "42");
    CHECK(claims_of(R"({"sub":42})").texts.at("sub") == "42");
    for (const auto* sub : {"1.5", "1e3", "null", "true", "[]", "{}", "[\"ada\"]"}) {
        INFO(sub);
        CHECK(error_of(std::string("{\"sub\":") + sub + "}") == TokenError::bad_text);
    }
}

TEST_CASE("claims: a token ends at its exp, and the leeway after it") {
    auto policy = lenient();
    CHECK_FALSE(error_of(with_exp(now + 1), policy));
    CHECK(error_of(with_exp(now), policy) == TokenError::expired);
    policy.leeway = 10;
    CHECK_FALSE(error_of(with_exp(now - 9), policy));
    CHECK(error_of(with_exp(now - 10), policy) == TokenError::expired);
}

TEST_CASE("claims: without exp a token is refused, unless the policy says otherwise") {
    CHECK(error_of(R"({"sub":"ada"})", TokenPolicy{}) == TokenError::no_expiry);
    CHECK_FALSE(claims_of("{}").expires);
}

TEST_CASE("claims: nbf holds a token back until then, less the leeway") {
    auto policy = lenient();
    CHECK_FALSE(error_of(R"({"nbf":1700000000})", policy));
    CHECK(error_of(R"({"nbf":1700000001})", policy) == TokenError::not_yet_valid);
    policy.leeway = 10;
    CHECK_FALSE(error_of(R"({"nbf":1700000010})", policy));
    CHECK(error_of(R"({"nbf":1700000011})", policy) == TokenError::not_yet_valid);
}

TEST_CASE("claims: times may have a fraction, and be as early or late as they like") {
    CHECK(claims_of(R"({"exp":1700000001.9})").expires == 1'700'000'001);
    CHECK(claims_of(R"({"exp":1.7000001e9})").expires == 1'700'000'100);
    for (const auto* late : {"9223372036854775807", "99999999999999999999", "1e300"}) {
        INFO(late);
        CHECK(claims_of(std::string("{\"exp\":") + late + "}").expires == 1'000'000'000'000'000);
        CHECK(error_of(std::string("{\"nbf\":") + late + "}") == TokenError::not_yet_valid);
    }
    for (const auto* early : {"0", "-1", "-0", "-9223372036854775808", "-1e300"}) {
        INFO(early);
        CHECK(error_of(std::string("{\"exp\":") + early + "}") == TokenError::expired);
        CHECK_FALSE(error_of(std::string("{\"nbf\":") + early + "}"));
    }
}

TEST_CASE("claims: a time that is no number is refused") {
    for (const auto* name : {"exp", "nbf", "iat"}) {
        for (const auto* time : {"\"1700000001\"", "null", "true", "[1]", "{}"}) {
            INFO(name << " " << time);
            CHECK(error_of(std::string("{\"") + name + "\":" + time + "}") == TokenError::bad_time);
        }
    }
    CHECK_FALSE(error_of(R"({"iat":9999999999})"));
}

TEST_CASE("claims: the audience asked for must be named, alone or among others") {
    auto policy = lenient();
    CHECK_FALSE(error_of(R"({"aud":"mail"})", policy));
    policy.audience = "chat";
    CHECK_FALSE(error_of(R"({"aud":"chat"})", policy));
    CHECK_FALSE(error_of(R"({"aud":["mail","chat"]})", policy));
    for (const auto* json : {"{}", R"({"aud":"Chat"})", R"({"aud":"chat "})", R"({"aud":[]})",
                             R"({"aud":["mail","chatter"]})"}) {
        INFO(json);
        CHECK(error_of(json, policy) == TokenError::wrong_audience);
    }
    for (const auto* aud : {"1", "null", "{}", "[1]", "[\"chat\",1]", "[[\"chat\"]]"}) {
        INFO(aud);
        CHECK(error_of(std::string("{\"aud\":") + aud + "}", policy) == TokenError::bad_text);
    }
}

TEST_CASE("claims: the issuer asked for must be the token's") {
    auto policy = lenient();
    CHECK_FALSE(error_of(R"({"iss":"other"})", policy));
    policy.issuer = "shop";
    CHECK_FALSE(error_of(R"({"iss":"shop"})", policy));
    CHECK(error_of("{}", policy) == TokenError::wrong_issuer);
    CHECK(error_of(R"({"iss":"shop2"})", policy) == TokenError::wrong_issuer);
    CHECK(error_of(R"({"iss":["shop"]})", policy) == TokenError::bad_text);
}

TEST_CASE("claims: without topics a token has nothing against any") {
    const auto claims = claims_of("{}");
    CHECK(claims.may_join("room:1"));
    CHECK(claims.may_push("room:1"));
}

TEST_CASE("claims: an array of topics grants both") {
    const auto claims = claims_of(R"({"topics":["room:*","news"]})");
    CHECK(claims.topics == TopicGrants{{"room:*", "news"}, {"room:*", "news"}});
    for (const auto* topic : {"room:", "room:1", "room:1:2", "news"}) {
        INFO(topic);
        CHECK(claims.may_join(topic));
        CHECK(claims.may_push(topic));
    }
    for (const auto* topic : {"", "room", "news2", "xroom:1", "Room:1"}) {
        INFO(topic);
        CHECK_FALSE(claims.may_join(topic));
        CHECK_FALSE(claims.may_push(topic));
    }
}

TEST_CASE("claims: an object of topics grants each by itself, and what it leaves out not at all") {
    const auto claims = claims_of(R"({"topics":{"join":["room:*"],"push":["room:1"]}})");
    CHECK(claims.may_join("room:2"));
    CHECK_FALSE(claims.may_push("room:2"));
    CHECK(claims.may_push("room:1"));
    const auto listener = claims_of(R"({"topics":{"join":["*"]}})");
    CHECK(listener.may_join("any"));
    CHECK_FALSE(listener.may_push("any"));
    const auto nothing = claims_of(R"({"topics":[]})");
    CHECK_FALSE(nothing.may_join("any"));
    CHECK_FALSE(nothing.may_push("any"));
}

TEST_CASE("claims: topics of another shape are refused, not read in part") {
    for (const auto* topics :
         {"null", "1", "\"room:*\"", "true", "[1]", "[[\"a\"]]", "[\"\"]", "[\"a*b\"]", "[\"**\"]",
          "[\"*a\"]", R"({"join":"room:1"})", R"({"join":[1]})",
          R"({"join":["a"],"publish":["a"]})", R"({"join":["a"],"join":["b"]})",
          R"({"join":["a"],"\u006aoin":["b"]})"}) {
        INFO(topics);
        CHECK(error_of(std::string("{\"topics\":") + topics + "}") == TokenError::bad_topics);
    }
}

TEST_CASE("claims: topics are bounded") {
    const std::string longest(1024, 'x');
    CHECK(claims_of("{\"topics\":" + repeated(longest, 1) + "}").may_join(longest));
    CHECK(claims_of("{\"topics\":" + repeated("a", 100) + "}").topics->push.size() == 100);
    CHECK(error_of("{\"topics\":" + repeated(longest + "x", 1) + "}") == TokenError::bad_topics);
    CHECK(error_of("{\"topics\":" + repeated("a", 101) + "}") == TokenError::bad_topics);
    CHECK(error_of("{\"topics\":{\"push\":" + repeated("a", 101) + "}}") == TokenError::bad_topics);
}
