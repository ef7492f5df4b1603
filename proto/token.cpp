#include "proto/token.hpp"

#include <jwt.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "proto/base64url.hpp"
#include "proto/header_text.hpp"
#include "proto/limits.hpp"
#include "proto/openssl_handle.hpp"

namespace roost {

namespace {

struct Free {
    void operator()(jwt_t* jwt) const { jwt_free(jwt); }
    void operator()(char* text) const { std::free(text); }  // NOLINT: libjwt's malloc
};
using Jwt = std::unique_ptr<jwt_t, Free>;
using Text = std::unique_ptr<char, Free>;

jwt_alg_t alg_of(TokenAlgorithm algorithm) {
    switch (algorithm) {
        case TokenAlgorithm::hs256: return JWT_ALG_HS256;
        case TokenAlgorithm::rs256: return JWT_ALG_RS256;
        case TokenAlgorithm::es256: break;
    }
    return JWT_ALG_ES256;
}

const unsigned char* bytes_of(const std::string& key) {
    return reinterpret_cast<const unsigned char*>(key.data());
}

// The algorithm is the key's, whatever the token names.
bool has_signed(const TokenKey& key, const TokenParts& parts) {
    switch (key.algorithm) {
        case TokenAlgorithm::hs256: return is_hs256(key.secret, parts.signed_text, parts.signature);
        case TokenAlgorithm::rs256:
            return is_rs256(key.public_key, parts.signed_text, parts.signature);
        case TokenAlgorithm::es256: break;
    }
    return is_es256(key.public_key, parts.signed_text, parts.signature);
}

// The JSON object that is spelled in base64url, without what stands around it.
std::optional<std::string> object_of(std::string_view part, JsonReader& json) {
    const auto text = from_base64url(part);
    if (!text) return std::nullopt;
    const auto object = trim_json(*text);
    if (!is_json_object(object) || !json.is_valid(object) || !has_unique_names(object)) {
        return std::nullopt;
    }
    return std::string(object);
}

std::optional<TokenError> read_header(TokenParts& parts) {
    std::optional<TokenError> error;
    const auto text_into = [&](std::string_view raw, std::string& text) {
        std::string scratch;
        if (is_json_string(raw)) {
            text = unquote(raw, scratch);
        } else {
            error = TokenError::malformed;
        }
    };
    bool has_algorithm = false;
    bool is_unsupported = false;
    for_each_member(parts.header, [&](std::string_view name, std::string_view raw) {
        std::string type = "JWT";
        if (name == "alg") {
            has_algorithm = true;
            text_into(raw, parts.algorithm);
        } else if (name == "kid") {
            text_into(raw, parts.kid.emplace());
        } else if (name == "typ") {
            text_into(raw, type);
        }
        // What is critical must be understood (RFC 7515, 4.1.11), and none of it is.
        is_unsupported |= name == "crit" || lower(type) != "jwt";
        return !error;
    });
    if (error || !has_algorithm) return TokenError::malformed;
    if (is_unsupported) return TokenError::unsupported;
    return std::nullopt;
}

// Three parts, of which only the last may be empty.
std::optional<std::array<std::string_view, 3>> split(std::string_view token) {
    const auto first = token.find('.');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = token.find('.', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1),
                      token.substr(second + 1)};
}

bool may_have_signed(const TokenKey& key, const TokenParts& parts) {
    return name_of(key.algorithm) == parts.algorithm &&
           (!parts.kid || !key.kid || key.kid == parts.kid);
}

void append_member(std::string& json, std::string_view name, std::string_view raw) {
    json.push_back(json.empty() ? '{' : ',');
    append_quoted(json, name);
    json.append(":").append(raw);
}

std::string quoted(std::string_view text) {
    std::string json;
    append_quoted(json, text);
    return json;
}

std::string array_json(const std::vector<std::string>& texts) {
    std::string json = "[";
    for (const auto& text : texts) {
        if (json.size() > 1) json.push_back(',');
        append_quoted(json, text);
    }
    return json + ']';
}

std::string claims_json(const NewToken& content, std::int64_t now) {
    std::string json;
    append_member(json, "sub", quoted(content.subject));
    append_member(json, "iat", std::to_string(now));
    append_member(json, "exp", std::to_string(now + content.lifetime));
    for (const auto& [name, text] : content.texts) append_member(json, name, quoted(text));
    const auto& topics = content.topics;
    if (!topics.join.empty() || !topics.push.empty()) {
        append_member(
            json, "topics",
            "{\"join\":" + array_json(topics.join) + ",\"push\":" + array_json(topics.push) + "}");
    }
    return json + '}';
}

// What a token says of itself is not for others to say.
bool is_reserved(const std::string& name) {
    static constexpr std::array<std::string_view, 5> reserved = {"sub", "exp", "iat", "nbf",
                                                                 "topics"};
    return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

std::optional<std::string> objection_to(const NewToken& content) {
    for (const auto& [name, text] : content.texts) {
        if (is_reserved(name)) {
            return "the claim " + name + " has its own option, or none: choose another name";
        }
    }
    if (!are_grants(content.topics)) {
        return "a topic pattern is exact, or a prefix that ends in *, of at most 1024 bytes; and "
               "there are at most 100";
    }
    return std::nullopt;
}

}  // namespace

Result<TokenParts, TokenError> open_token(std::string_view token, JsonReader& json) {
    if (token.size() > limits::token_bytes_max) return Unexpected{TokenError::too_long};
    const auto parts = split(token);
    if (!parts) return Unexpected{TokenError::malformed};
    const auto [header, claims, signature] = *parts;
    auto header_text = object_of(header, json);
    auto claims_text = object_of(claims, json);
    auto signature_bytes = from_base64url(signature);
    if (!header_text || !claims_text || !signature_bytes) {
        return Unexpected{TokenError::malformed};
    }
    TokenParts opened;
    opened.header = std::move(*header_text);
    opened.claims = std::move(*claims_text);
    opened.signed_text = token.substr(0, token.size() - signature.size() - 1);
    opened.signature = std::move(*signature_bytes);
    if (const auto error = read_header(opened)) return Unexpected{*error};
    return opened;
}

Result<const TokenKey*, TokenError> signer_of(const TokenKeys& keys, const TokenParts& parts) {
    bool is_tried = false;
    for (const auto& key : keys.keys) {
        if (!may_have_signed(key, parts)) continue;
        is_tried = true;
        if (has_signed(key, parts)) return &key;
    }
    return Unexpected{is_tried ? TokenError::bad_signature : TokenError::unknown_key};
}

Result<Claims, TokenError> check_token(const TokenKeys& keys, const TokenPolicy& policy,
                                       std::string_view token, std::int64_t now, JsonReader& json) {
    const auto parts = open_token(token, json);
    if (!parts) return Unexpected{parts.error()};
    const auto signer = signer_of(keys, *parts);
    if (!signer) return Unexpected{signer.error()};
    return read_claims(parts->claims, policy, now);
}

Result<std::string, std::string> make_token(const SigningKey& key, const NewToken& content,
                                            std::int64_t now) {
    if (auto objection = objection_to(content)) return Unexpected{std::move(*objection)};
    const QuietErrors quiet;
    jwt_t* raw = nullptr;
    if (jwt_new(&raw) != 0) return Unexpected{std::string("there is no memory for a token")};
    const Jwt jwt(raw);
    if (jwt_add_grants_json(raw, claims_json(content, now).c_str()) != 0 ||
        (key.kid && jwt_add_header(raw, "kid", key.kid->c_str()) != 0)) {
        return Unexpected{std::string("a claim or the kid is not UTF-8, or is empty")};
    }
    jwt_set_alg(raw, alg_of(key.algorithm), bytes_of(key.bytes),
                static_cast<int>(key.bytes.size()));
    const Text text(jwt_encode_str(raw));
    if (!text) return Unexpected{std::string("the key signs nothing")};
    std::string token(text.get());
    if (token.size() > limits::token_bytes_max) {
        return Unexpected{"the token would have " + std::to_string(token.size()) +
                          " bytes, more than the 8192 that are taken: say less in it"};
    }
    return token;
}

}  // namespace roost
