#include "proto/claims.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "proto/json.hpp"
#include "proto/limits.hpp"
#include "proto/topic_pattern.hpp"

namespace roost {

namespace {

std::string text_of(std::string_view raw_string) {
    std::string scratch;
    return std::string(unquote(raw_string, scratch));
}

bool is_whole_number(std::string_view raw) {
    if (raw.starts_with('-')) raw.remove_prefix(1);
    return !raw.empty() &&
           std::all_of(raw.begin(), raw.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Everything that is read of the claims, before anything is asked of it.
struct Reading {
    Claims claims;
    std::optional<std::int64_t> not_before;
    std::optional<std::string> issuer;
    std::vector<std::string> audience;
    std::optional<TokenError> error;

    void read(std::string_view name, std::string_view raw);
    void read_time_into(std::string_view raw, std::optional<std::int64_t>& time);
    void read_audience(std::string_view raw);
    void read_topics(std::string_view raw);
    void read_subject(std::string_view raw);
};

void Reading::read_time_into(std::string_view raw, std::optional<std::int64_t>& time) {
    time = read_time(raw);
    if (!time) error = TokenError::bad_time;
}

// Some issuers number their users.
void Reading::read_subject(std::string_view raw) {
    if (is_json_string(raw)) {
        claims.subject = text_of(raw);
    } else if (is_whole_number(raw)) {
        claims.subject = raw;
    } else {
        error = TokenError::bad_text;
    }
}

// False if one of the elements is no string.
bool append_strings(std::string_view raw_array, std::vector<std::string>& strings) {
    bool are_strings = true;
    for_each_element(raw_array, [&](std::string_view element) {
        are_strings = is_json_string(element);
        if (are_strings) strings.push_back(text_of(element));
        return are_strings;
    });
    return are_strings;
}

void Reading::read_audience(std::string_view raw) {
    if (is_json_string(raw)) {
        audience.push_back(text_of(raw));
    } else if (!is_json_array(raw) || !append_strings(raw, audience)) {
        error = TokenError::bad_text;
    }
}

void Reading::read_topics(std::string_view raw) {
    TopicGrants grants;
    bool is_good = false;
    if (is_json_array(raw)) {
        is_good = append_strings(raw, grants.join);
        grants.push = grants.join;
    } else if (is_json_object(raw) && has_unique_names(raw)) {
        is_good = true;
        for_each_member(raw, [&](std::string_view name, std::string_view value) {
            const bool is_join = name == "join";
            is_good = (is_join || name == "push") && is_json_array(value) &&
                      append_strings(value, is_join ? grants.join : grants.push);
            return is_good;
        });
    }
    if (!is_good || !are_grants(grants)) {
        error = TokenError::bad_topics;
    } else {
        claims.topics = std::move(grants);
    }
}

void Reading::read(std::string_view name, std::string_view raw) {
    std::optional<std::int64_t> issued_at;
    if (name == "exp") {
        read_time_into(raw, claims.expires);
    } else if (name == "nbf") {
        read_time_into(raw, not_before);
    } else if (name == "iat") {
        read_time_into(raw, issued_at);
    } else if (name == "sub") {
        read_subject(raw);
    } else if (name == "iss") {
        if (is_json_string(raw)) {
            issuer = text_of(raw);
        } else {
            error = TokenError::bad_text;
        }
    } else if (name == "aud") {
        read_audience(raw);
    } else if (name == "topics") {
        read_topics(raw);
    }
    if (is_json_string(raw)) {
        claims.texts.emplace(name, text_of(raw));
    } else if (is_whole_number(raw)) {
        claims.texts.emplace(name, raw);
    }
}

bool has_match(const std::vector<std::string>& patterns, std::string_view topic) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return matches_pattern(pattern, topic); });
}

std::optional<TokenError> refusal_of(const Reading& token, const TokenPolicy& policy,
                                     std::int64_t now) {
    const auto& expires = token.claims.expires;
    if (!expires && policy.needs_expiry) return TokenError::no_expiry;
    if (expires && now - policy.leeway >= *expires) return TokenError::expired;
    if (token.not_before && now + policy.leeway < *token.not_before) {
        return TokenError::not_yet_valid;
    }
    if (!policy.issuer.empty() && token.issuer != policy.issuer) return TokenError::wrong_issuer;
    const auto& audience = token.audience;
    if (!policy.audience.empty() &&
        std::find(audience.begin(), audience.end(), policy.audience) == audience.end()) {
        return TokenError::wrong_audience;
    }
    return std::nullopt;
}

}  // namespace

// A NumericDate may have a fraction. Far beyond any date it is taken for the farthest.
std::optional<std::int64_t> read_time(std::string_view raw) {
    constexpr double farthest = 1e15;  // a double still tells seconds apart
    double seconds = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), seconds);
    if (error != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
    return static_cast<std::int64_t>(std::floor(std::clamp(seconds, -farthest, farthest)));
}

bool Claims::may_join(std::string_view topic) const {
    return !topics || has_match(topics->join, topic);
}

bool Claims::may_push(std::string_view topic) const {
    return !topics || has_match(topics->push, topic);
}

bool are_grants(const TopicGrants& grants) {
    const auto is_good = [](const std::string& pattern) {
        return is_topic_pattern(pattern) && pattern.size() <= limits::topic_bytes_max;
    };
    return std::max(grants.join.size(), grants.push.size()) <= grants_max &&
           std::all_of(grants.join.begin(), grants.join.end(), is_good) &&
           std::all_of(grants.push.begin(), grants.push.end(), is_good);
}

Result<Claims, TokenError> read_claims(std::string_view json, const TokenPolicy& policy,
                                       std::int64_t now) {
    Reading reading;
    for_each_member(json, [&](std::string_view name, std::string_view raw) {
        reading.read(name, raw);
        return !reading.error;
    });
    if (!reading.error) reading.error = refusal_of(reading, policy, now);
    if (reading.error) return Unexpected{*reading.error};
    return std::move(reading.claims);
}

}  // namespace roost
