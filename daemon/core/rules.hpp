// rules: what a topic's pattern allows. The first rule that covers a topic decides.
//
// A pattern is exact, or a prefix that ends in '*'. In it {NAME} stands for a claim of the token of
// who asks: 'user:{sub}' covers the topics of all users, and each is for the one it names. So a
// later rule never opens what belongs to somebody.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/time.hpp"
#include "proto/result.hpp"

namespace roost {

// token: for whoever has shown one that is valid.
// backend: as a backend decides each time.
enum class JoinPolicy : std::uint8_t { open, token, deny, backend };
enum class PushPolicy : std::uint8_t { broadcast, others, deny };
// What becomes of the topic's messages for a client that does not read as fast as they come, once
// the limit of what may wait for it is reached; latest: of which only the newest waits at all.
enum class SlowPolicy : std::uint8_t { disconnect, drop_oldest, latest };

// What is kept of a topic: at most so many messages, none older than that. Nothing by default.
struct HistoryLimit {
    std::size_t count = 0;
    Duration age{};
    bool operator==(const HistoryLimit&) const = default;
};

struct Rule {
    std::string pattern;
    JoinPolicy join = JoinPolicy::open;
    PushPolicy push = PushPolicy::broadcast;
    HistoryLimit history;
    SlowPolicy slow = SlowPolicy::disconnect;
    // Of these events, or of all, a backend decides; `push` is for the others.
    std::vector<std::string> backend_events{};
    bool is_backend_for_all = false;

    bool asks_backend(std::string_view event) const;
    // Whether it decides on the topic, whoever asks.
    bool covers(std::string_view topic) const;
    bool has_claims() const { return pattern.find('{') != std::string::npos; }
    // Whether the topic is that of the bearer of these claims.
    bool is_of(std::string_view topic,
               const std::map<std::string, std::string, std::less<>>& claims) const;
    bool operator==(const Rule&) const = default;
};

// 'PATTERN key=value ...'. A push= that names a backend's events stands beside one for the others.
// The error says what was wrong and what would be right.
Result<Rule, std::string> parse_rule(std::string_view text);

class Rules {
public:
    // Without rules every topic is open, or for those with a token where there are keys.
    explicit Rules(std::vector<Rule> rules, bool has_token_keys = false);

    // Nothing for a topic that no rule covers, and for Phoenix's own topic "phoenix".
    const Rule* rule_for(std::string_view topic) const;
    // False if no rule keeps anything.
    bool has_history() const;
    Duration longest_history() const;

private:
    std::vector<Rule> rules_;
};

}  // namespace roost
