#include "daemon/core/rules.hpp"

#include <algorithm>
#include <charconv>

#include "proto/topic_pattern.hpp"

namespace roost {

namespace {

// The next piece of a pattern: plain text, or a placeholder, which begins with '{'.
std::string_view next_piece(std::string_view& pattern) {
    const bool is_claim = pattern.starts_with('{');
    const auto end = is_claim ? pattern.find('}') + 1 : std::min(pattern.find('{'), pattern.size());
    const auto piece = pattern.substr(0, end);
    pattern.remove_prefix(end);
    return piece;
}

// A claim is any text, but not none.
bool is_covered(std::string_view pattern, std::string_view topic, bool is_prefix) {
    while (!pattern.empty()) {
        const bool is_claim = pattern.starts_with('{');
        auto literal = next_piece(pattern);
        if (!is_claim) {
            if (!topic.starts_with(literal)) return false;
            topic.remove_prefix(literal.size());
            continue;
        }
        if (topic.empty()) return false;
        const bool is_literal_next = !pattern.empty() && !pattern.starts_with('{');
        literal = is_literal_next ? next_piece(pattern) : std::string_view();
        if (pattern.empty() && !is_prefix) {
            return topic.size() > literal.size() && topic.ends_with(literal);
        }
        // As short as can be: what follows then has the most to choose from.
        const auto end = topic.find(literal, 1);
        if (end == std::string_view::npos) return false;
        topic.remove_prefix(end + literal.size());
    }
    return is_prefix || topic.empty();
}

// Is each placeholder as in {sub}?
bool are_claims_well_formed(std::string_view pattern) {
    while (true) {
        const auto open = pattern.find_first_of("{}");
        if (open == std::string_view::npos) return true;
        const auto close = pattern.find_first_of("{}", open + 1);
        if (pattern[open] == '}' || close == std::string_view::npos || pattern[close] == '{') {
            return false;
        }
        const auto name = pattern.substr(open + 1, close - open - 1);
        const bool is_name = std::all_of(name.begin(), name.end(), [](char c) {
            return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                   (c >= 'A' && c <= 'Z');
        });
        if (name.empty() || !is_name) return false;
        pattern.remove_prefix(close + 1);
    }
}

std::string_view next_word(std::string_view& text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return text = {};
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(word.size());
    return word;
}

Unexpected<std::string> wrong(std::string_view key, std::string_view value,
                              std::string_view allowed) {
    return {std::string(key) + "=" + std::string(value) + " is not known: " + std::string(key) +
            " is one of " + std::string(allowed)};
}

std::optional<Duration> parse_age(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number == 0 || end + 1 != text.data() + text.size()) {
        return std::nullopt;
    }
    switch (*end) {
        case 's': return std::chrono::seconds(number);
        case 'm': return std::chrono::minutes(number);
        case 'h': return std::chrono::hours(number);
        default: return std::nullopt;
    }
}

std::optional<HistoryLimit> parse_history(std::string_view text) {
    constexpr std::size_t count_max = 1'000'000;
    HistoryLimit limit;
    const auto comma = std::min(text.find(','), text.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + comma, limit.count);
    if (error != std::errc() || end != text.data() + comma || limit.count == 0 ||
        limit.count > count_max || comma == text.size()) {
        return std::nullopt;
    }
    const auto age = parse_age(text.substr(comma + 1));
    if (!age) return std::nullopt;
    limit.age = *age;
    return limit;
}

// Of 'backend:echo,vote'.
bool read_events(std::string_view value, std::vector<std::string>& events) {
    auto names = value.substr(value.find(':'));
    while (!names.empty()) {
        names.remove_prefix(1);
        const auto name = names.substr(0, names.find(','));
        if (name.empty() || name.starts_with("phx_")) return false;
        events.emplace_back(name);
        names.remove_prefix(name.size());
    }
    return true;
}

}  // namespace

Result<Rule, std::string> parse_rule(std::string_view text) {
    Rule rule;
    rule.pattern = next_word(text);
    if (rule.pattern.empty() || rule.pattern.find('=') != std::string::npos) {
        return Unexpected{std::string("must begin with a topic pattern, as in 'room:* join=open'")};
    }
    if (!is_topic_pattern(rule.pattern)) {
        return Unexpected{"'" + rule.pattern + "': a * may stand only at the end of a pattern"};
    }
    if (!are_claims_well_formed(rule.pattern)) {
        return Unexpected{"'" + rule.pattern + "': a claim of the token stands as in user:{sub}"};
    }
    for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
        const auto equals = word.find('=');
        const auto key = word.substr(0, equals);
        const auto value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
        if (key == "join") {
            if (value == "open") {
                rule.join = JoinPolicy::open;
            } else if (value == "token") {
                rule.join = JoinPolicy::token;
            } else if (value == "deny") {
                rule.join = JoinPolicy::deny;
            } else if (value == "backend") {
                rule.join = JoinPolicy::backend;
            } else {
                return wrong(key, value, "open, token, backend, deny");
            }
        } else if (key == "push") {
            if (value == "broadcast") {
                rule.push = PushPolicy::broadcast;
            } else if (value == "others") {
                rule.push = PushPolicy::others;
            } else if (value == "deny") {
                rule.push = PushPolicy::deny;
            } else if (value == "backend") {
                rule.is_backend_for_all = true;
            } else if (value.starts_with("backend:")) {
                if (!read_events(value, rule.backend_events)) {
                    return Unexpected{"push=" + std::string(value) +
                                      " must name events, as in push=backend:echo,vote"};
                }
            } else {
                return wrong(key, value, "broadcast, others, backend, backend:EVENT,..., deny");
            }
        } else if (key == "history") {
            const auto limit = parse_history(value);
            if (!limit) {
                return Unexpected{"history=" + std::string(value) +
                                  " must be COUNT,AGE with s, m or h, as in history=100,10m"};
            }
            rule.history = *limit;
        } else if (key == "slow") {
            if (value == "disconnect") {
                rule.slow = SlowPolicy::disconnect;
            } else if (value == "drop-oldest") {
                rule.slow = SlowPolicy::drop_oldest;
            } else if (value == "latest") {
                rule.slow = SlowPolicy::latest;
            } else {
                return wrong(key, value, "disconnect, drop-oldest, latest");
            }
        } else {
            return Unexpected{"'" + std::string(word) +
                              "': the keys of a rule are join=, push=, history=, slow="};
        }
    }
    return rule;
}

bool Rule::asks_backend(std::string_view event) const {
    return is_backend_for_all ||
           std::find(backend_events.begin(), backend_events.end(), event) != backend_events.end();
}

bool Rule::covers(std::string_view topic) const {
    if (!has_claims()) return matches_pattern(pattern, topic);
    std::string_view text = pattern;
    const bool is_prefix = text.ends_with('*');
    if (is_prefix) text.remove_suffix(1);
    return is_covered(text, topic, is_prefix);
}

bool Rule::is_of(std::string_view topic,
                 const std::map<std::string, std::string, std::less<>>& claims) const {
    std::string_view text = pattern;
    const bool is_prefix = text.ends_with('*');
    if (is_prefix) text.remove_suffix(1);
    while (!text.empty()) {
        auto piece = next_piece(text);
        if (piece.starts_with('{')) {
            const auto claim = claims.find(piece.substr(1, piece.size() - 2));
            if (claim == claims.end() || claim->second.empty()) return false;
            piece = claim->second;
        }
        if (!topic.starts_with(piece)) return false;
        topic.remove_prefix(piece.size());
    }
    return is_prefix || topic.empty();
}

Rules::Rules(std::vector<Rule> rules, bool has_token_keys) : rules_(std::move(rules)) {
    if (!rules_.empty()) return;
    const auto join = has_token_keys ? JoinPolicy::token : JoinPolicy::open;
    rules_.push_back(Rule{"*", join, PushPolicy::broadcast, {}, SlowPolicy::disconnect});
}

bool Rules::has_history() const {
    return std::any_of(rules_.begin(), rules_.end(),
                       [](const Rule& rule) { return rule.history.count > 0; });
}

Duration Rules::longest_history() const {
    Duration longest{};
    for (const auto& rule : rules_) longest = std::max(longest, rule.history.age);
    return longest;
}

const Rule* Rules::rule_for(std::string_view topic) const {
    if (topic == "phoenix") return nullptr;
    const auto found = std::find_if(rules_.begin(), rules_.end(),
                                    [&](const Rule& rule) { return rule.covers(topic); });
    return found == rules_.end() ? nullptr : &*found;
}

}  // namespace roost
