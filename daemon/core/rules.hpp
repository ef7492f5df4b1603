// rules: what a topic's pattern allows. The first rule that matches decides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/time.hpp"
#include "proto/result.hpp"

namespace roost {

enum class JoinPolicy : std::uint8_t { open, deny };
enum class PushPolicy : std::uint8_t { broadcast, others, deny };

// What is kept of a topic: at most so many messages, none older than that. Nothing by default.
struct HistoryLimit {
    std::size_t count = 0;
    Duration age{};
    bool operator==(const HistoryLimit&) const = default;
};

struct Rule {
    std::string pattern;  // exact, or a prefix that ends in '*'
    JoinPolicy join = JoinPolicy::open;
    PushPolicy push = PushPolicy::broadcast;
    HistoryLimit history;

    bool matches(std::string_view topic) const;
    bool operator==(const Rule&) const = default;
};

// 'PATTERN key=value ...'. The error says what was wrong and what would be right.
Result<Rule, std::string> parse_rule(std::string_view text);

class Rules {
public:
    // Without rules every topic is open.
    explicit Rules(std::vector<Rule> rules);

    // Nothing for a topic that no rule matches, and for Phoenix's own topic "phoenix".
    const Rule* rule_for(std::string_view topic) const;
    // False if no rule keeps anything.
    bool has_history() const;
    Duration longest_history() const;

private:
    std::vector<Rule> rules_;
};

}  // namespace roost
