#include "proto/token_keys.hpp"

#include <algorithm>

#include "proto/json.hpp"
#include "proto/jwk.hpp"
#include "proto/pem_key.hpp"

namespace roost {

namespace {

Unexpected<std::string> wrong(std::string text) {
    return {std::move(text)};
}

// What an editor or `echo` puts behind it is not part of a secret.
std::string_view without_line_end(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

// A public key that was taken for a secret would let in everybody who knows it.
bool is_key_in_another_form(std::string_view text) {
    return text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") || is_der(text);
}

Result<std::string, std::string> read_secret(std::string_view text) {
    const auto secret = without_line_end(text);
    if (is_key_in_another_form(text)) {
        return wrong("it is a key in a form that is not known here: give it as PEM");
    }
    if (secret.size() < token_secret_bytes_min) {
        return wrong("it holds " + std::to_string(secret.size()) +
                     " bytes, too few for a secret: use 32 random bytes or more (openssl rand "
                     "-base64 48)");
    }
    return std::string(secret);
}

bool is_json_text(std::string_view text) {
    return is_json_object(trim_json(text));
}

// All JWKs of a set, those of no use among the sentences.
Result<TokenKeys, std::string> read_set(std::string_view text) {
    JsonReader reader;
    if (!reader.is_valid(text)) return wrong("it begins like JSON, but is not valid JSON");
    const auto keys = member(trim_json(text), "keys");
    if (!keys || !is_json_array(*keys)) {
        return wrong(R"(it has no array "keys": a set of JWKs is {"keys":[...]})");
    }
    TokenKeys set;
    std::size_t number = 0;
    for_each_element(*keys, [&](std::string_view raw) {
        ++number;
        auto key = read_jwk(raw);
        if (key) {
            set.keys.push_back(std::move(*key));
        } else {
            set.ignored.push_back("key " + std::to_string(number) + " of the set " + key.error());
        }
        return true;
    });
    return set;
}

std::string listed(const std::vector<std::string>& sentences) {
    std::string text;
    for (const auto& sentence : sentences) text.append(text.empty() ? ": " : "; ").append(sentence);
    return text;
}

Result<SigningKey, std::string> choose(const TokenKeys& set,
                                       const std::optional<std::string>& kid) {
    std::vector<const TokenKey*> fitting;
    for (const auto& key : set.keys) {
        if (key.is_secret() && (!kid || !key.kid || key.kid == kid)) fitting.push_back(&key);
    }
    if (fitting.empty()) {
        return wrong(kid ? "it holds no secret (oct) key with the kid '" + *kid + "'"
                         : std::string("it holds no secret (oct) key; for RSA or EC, give the "
                                       "private key as PEM"));
    }
    if (fitting.size() > 1)
        return wrong("it holds several keys that would do: choose one by --kid");
    const auto& key = *fitting.front();
    return SigningKey{key.algorithm, key.kid ? key.kid : kid, key.secret};
}

}  // namespace

bool TokenKeys::has_secret() const {
    return std::any_of(keys.begin(), keys.end(),
                       [](const TokenKey& key) { return key.is_secret(); });
}

Result<TokenKeys, std::string> parse_token_keys(std::string_view text) {
    if (is_pem(text)) {
        auto key = read_public_pem(text);
        if (!key) return wrong("it " + key.error());
        return TokenKeys{{TokenKey{key->algorithm, {}, {}, std::move(key->key), {}}}, {}};
    }
    if (is_json_text(text)) {
        auto set = read_set(text);
        if (set && set->keys.empty()) return wrong("it holds no key of use" + listed(set->ignored));
        return set;
    }
    auto secret = read_secret(text);
    if (!secret) return Unexpected{secret.error()};
    return TokenKeys{{TokenKey{TokenAlgorithm::hs256, {}, std::move(*secret), {}, {}}}, {}};
}

Result<SigningKey, std::string> parse_signing_key(std::string_view text,
                                                  const std::optional<std::string>& kid) {
    if (is_pem(text)) {
        auto key = read_private_pem(text);
        if (!key) return wrong("it " + key.error());
        return SigningKey{key->algorithm, kid, std::move(key->pem)};
    }
    if (is_json_text(text)) {
        const auto set = read_set(text);
        if (!set) return Unexpected{set.error()};
        return choose(*set, kid);
    }
    auto secret = read_secret(text);
    if (!secret) return Unexpected{secret.error()};
    return SigningKey{TokenAlgorithm::hs256, kid, std::move(*secret)};
}

}  // namespace roost
