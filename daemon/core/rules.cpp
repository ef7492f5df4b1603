#include "daemon/core/rules.hpp"

#include <algorithm>
#include <charconv>

namespace roost {

bool Rule::matches(std::string_view topic) const {
    if (!pattern.ends_with('*')) return topic == pattern;
    return topic.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

namespace {

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

}  // namespace

Result<Rule, std::string> parse_rule(std::string_view text) {
    Rule rule;
    rule.pattern = next_word(text);
    if (rule.pattern.empty() || rule.pattern.find('=') != std::string::npos) {
        return Unexpected{std::string("must begin with a topic pattern, as in 'room:* join=open'")};
    }
    const auto star = rule.pattern.find('*');
    if (star != std::string::npos && star + 1 != rule.pattern.size()) {
        return Unexpected{"'" + rule.pattern + "': a * may stand only at the end of a pattern"};
    }
    for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
        const auto equals = word.find('=');
        const auto key = word.substr(0, equals);
        const auto value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
        if (key == "join") {
            if (value != "open" && value != "deny") return wrong(key, value, "open, deny");
            rule.join = value == "open" ? JoinPolicy::open : JoinPolicy::deny;
        } else if (key == "push") {
            if (value == "broadcast") {
                rule.push = PushPolicy::broadcast;
            } else if (value == "others") {
                rule.push = PushPolicy::others;
            } else if (value == "deny") {
                rule.push = PushPolicy::deny;
            } else {
                return wrong(key, value, "broadcast, others, deny");
            }
        } else if (key == "history") {
            const auto limit = parse_history(value);
            if (!limit) {
                return Unexpected{"history=" + std::string(value) +
                                  " must be COUNT,AGE with s, m or h, as in history=100,10m"};
            }
            rule.history = *limit;
        } else {
            return Unexpected{"'" + std::string(word) +
                              "': the keys of a rule are join=, push=, history="};
        }
    }
    return rule;
}

Rules::Rules(std::vector<Rule> rules) : rules_(std::move(rules)) {
    if (rules_.empty()) rules_.push_back(Rule{"*", JoinPolicy::open, PushPolicy::broadcast, {}});
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
                                    [&](const Rule& rule) { return rule.matches(topic); });
    return found == rules_.end() ? nullptr : &*found;
}

}  // namespace roost
