#include "proto/jwk.hpp"

#include "proto/base64url.hpp"
#include "proto/json.hpp"
#include "proto/pem_key.hpp"

namespace roost {

namespace {

Unexpected<std::string> useless(std::string_view why) {
    return {std::string(why)};
}

std::optional<std::string> text_member(std::string_view object, std::string_view name) {
    const auto raw = member(object, name);
    if (!raw || !is_json_string(*raw)) return std::nullopt;
    std::string scratch;
    return std::string(unquote(*raw, scratch));
}

std::optional<std::string> bytes_member(std::string_view object, std::string_view name) {
    const auto text = text_member(object, name);
    return text ? from_base64url(*text) : std::nullopt;
}

// Whether the key's owner means it for signatures, as far as it says so.
bool is_for_signatures(std::string_view object) {
    if (member(object, "use") && text_member(object, "use") != "sig") return false;
    const auto operations = member(object, "key_ops");
    if (!operations) return true;
    bool is_meant = false;
    if (!is_json_array(*operations)) return false;
    for_each_element(*operations, [&](std::string_view raw) {
        is_meant = is_meant || raw == R"("verify")" || raw == R"("sign")";
        return true;
    });
    return is_meant;
}

Result<TokenKey, std::string> secret_of(std::string_view object) {
    auto secret = bytes_member(object, "k");
    if (!secret) return useless("has no k in base64url");
    if (secret->size() < token_secret_bytes_min) {
        return useless("has a secret of less than 32 bytes");
    }
    return TokenKey{TokenAlgorithm::hs256, {}, std::move(*secret), {}, {}};
}

Result<TokenKey, std::string> public_of(Result<KnownKey, std::string> key) {
    if (!key) return Unexpected{key.error()};
    return TokenKey{key->algorithm, {}, {}, std::move(key->key), {}};
}

Result<TokenKey, std::string> key_of(std::string_view object) {
    const auto kind = text_member(object, "kty");
    if (kind == "oct") return secret_of(object);
    if (member(object, "d"))
        return useless("is a private key (d), of which nothing is needed here");
    if (kind == "RSA") {
        const auto n = bytes_member(object, "n");
        const auto e = bytes_member(object, "e");
        if (!n || !e) return useless("has no n and e in base64url");
        return public_of(rsa_key(*n, *e));
    }
    if (kind == "EC" && text_member(object, "crv") == "P-256") {
        const auto x = bytes_member(object, "x");
        const auto y = bytes_member(object, "y");
        if (!x || !y) return useless("has no x and y in base64url");
        return public_of(p256_key(*x, *y));
    }
    return useless("is of a kind that is not known here: use oct, RSA, or EC on P-256");
}

}  // namespace

Result<TokenKey, std::string> read_jwk(std::string_view raw) {
    if (!is_json_object(raw)) return useless("is no object");
    if (!has_unique_names(raw)) return useless("names something twice");
    if (!is_for_signatures(raw)) return useless("is not meant for signatures (use, key_ops)");
    auto key = key_of(raw);
    if (!key) return key;
    if (member(raw, "alg") && text_member(raw, "alg") != name_of(key->algorithm)) {
        return useless("is for another algorithm (alg) than HS256, RS256 or ES256");
    }
    if (member(raw, "kid")) {
        key->kid = text_member(raw, "kid");
        if (!key->kid) return useless("has a kid that is no string");
    }
    return key;
}

}  // namespace roost
