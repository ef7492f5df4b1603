#include "daemon/explain.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iostream>
#include <iterator>

#include "daemon/doubts.hpp"
#include "daemon/edge/listener.hpp"
#include "proto/json.hpp"
#include "proto/token.hpp"

namespace roost {

namespace {

constexpr std::size_t title_width = 11;

void print(std::string_view title, std::string_view text) {
    std::string line(title);
    line.resize(std::max(title_width, line.size() + 1), ' ');
    // What a token says may be meant for the terminal.
    for (const char c : text) {
        line.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
    }
    std::cout << line << '\n';
}

std::string in_quotes(std::string_view text) {
    std::string json;
    append_quoted(json, text);
    return json;
}

std::int64_t unix_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

// What was shown to the node, and what it makes of it.
struct Shown {
    std::optional<TokenParts> parts;
    const TokenKey* signer = nullptr;
    std::optional<TokenError> error;
    std::optional<Bearer> bearer;
};

// The steps of check_token, of which each is told.
Shown look_at(const TokenOptions& options, std::string_view token) {
    JsonReader json;
    Shown shown;
    auto parts = open_token(token, json);
    if (!parts) {
        shown.error = parts.error();
        return shown;
    }
    shown.parts = std::move(*parts);
    const auto signer = signer_of(*options.keys, *shown.parts);
    if (!signer) {
        shown.error = signer.error();
        return shown;
    }
    shown.signer = *signer;
    auto claims = read_claims(shown.parts->claims, options.policy, unix_now());
    if (claims) {
        shown.bearer = Bearer{std::move(*claims), never};
    } else {
        shown.error = claims.error();
    }
    return shown;
}

std::string token_text(const std::string& given) {
    std::string text = given;
    if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    return text;
}

// The JSON of a claim, and of a time also what people call it.
std::string claim_text(std::string_view name, std::string_view raw) {
    std::string text(raw);
    const bool is_time = name == "exp" || name == "nbf";
    const auto time = is_time ? read_time(raw) : std::nullopt;
    std::tm calendar{};
    std::array<char, 64> date{};
    const std::time_t seconds = time.value_or(0);
    if (!time || gmtime_r(&seconds, &calendar) == nullptr) return text;
    const auto size = std::strftime(date.data(), date.size(), ", %Y-%m-%d %H:%M:%S UTC", &calendar);
    return text.append(date.data(), size);
}

// The names in braces.
std::vector<std::string> placeholders_of(std::string_view pattern) {
    std::vector<std::string> names;
    for (auto open = pattern.find('{'); open != std::string_view::npos;
         open = pattern.find('{', open + 1)) {
        names.emplace_back(pattern.substr(open + 1, pattern.find('}', open) - open - 1));
    }
    return names;
}

void print_claims(const std::string& claims, const Rule* rule) {
    std::vector<std::string> names{"sub", "exp", "nbf", "iss", "aud", "topics"};
    for (const auto& name : placeholders_of(rule ? rule->pattern : "")) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    for (const auto& name : names) {
        if (const auto raw = member(claims, name)) print("  " + name, claim_text(name, *raw));
    }
}

void print_token(const Shown& shown, const Rule* rule) {
    print("token", shown.error ? "refused: it " + std::string(sentence_of(*shown.error)) : "valid");
    if (!shown.signer) return;
    const TokenKey& key = *shown.signer;
    print("signed by", std::string(name_of(key.algorithm)) + ", " + key.source +
                           (key.kid ? ", kid " + in_quotes(*key.kid) : ""));
    print_claims(shown.parts->claims, rule);
}

void print_rule(const Options& options, const Rule* rule) {
    if (!rule) {
        const bool is_own = *options.questions.topic == "phoenix";
        return print("rule", is_own ? "none: the topic is the protocol's own"
                                    : "none of " + std::to_string(options.rules.size()) +
                                          " matches; they stand " + options.rules_place);
    }
    if (options.rules.empty()) {
        print("rule", rule->join == JoinPolicy::token ? "* join=token push=broadcast"
                                                      : "* join=open push=broadcast");
        return print("from", "no rule is given: this is what stands in their place");
    }
    const auto at = std::find(options.rules.begin(), options.rules.end(), *rule);
    const auto index = static_cast<std::size_t>(at - options.rules.begin());
    print("rule", options.rule_texts[index]);
    print("from", "rule " + std::to_string(index + 1) + " of " +
                      std::to_string(options.rules.size()) + " " + options.rules_place);
}

std::string asking_text(const Rule& rule, std::string_view why_not) {
    if (!why_not.empty()) return "no: " + in_quotes(why_not);
    std::string events;
    for (const auto& event : rule.backend_events) {
        events.append(events.empty() ? "" : ", ").append(event);
    }
    return "as a backend decides" + (rule.is_backend_for_all ? "" : ", of the events " + events);
}

// What a client with an open connection is told, in the order in which the node looks.
void print_answers(const Options& options, const Rule* rule, const Bearer* bearer) {
    const auto& topic = *options.questions.topic;
    const auto no = [](std::string_view why) { return "no: " + in_quotes(why); };
    if (topic.size() > options.limits.topic_bytes_max) {
        print("join", no("topic is too long"));
        return print("push", no("topic is too long"));
    }
    const auto why_no_join = rule ? Hub::why_not_join(*rule, topic, bearer) : "unmatched topic";
    if (!why_no_join.empty()) {
        print("join", no(why_no_join));
        return print("push", no("unmatched topic") + ", for it is not joined");
    }
    print("join", rule->join == JoinPolicy::backend ? "as a backend decides" : "yes");
    if (rule->is_backend_for_all || !rule->backend_events.empty()) {
        print("push", asking_text(*rule, Hub::why_not_push(*rule, topic, bearer, true)));
        if (rule->is_backend_for_all) return;
    }
    const auto why_no_push = Hub::why_not_push(*rule, topic, bearer);
    const bool is_to_others = rule->push == PushPolicy::others;
    print("push", !why_no_push.empty() ? no(why_no_push)
                  : is_to_others       ? "yes, to all channels of the topic but the client's own"
                                       : "yes, to all channels of the topic");
}

void explain(const Options& options) {
    const Questions& asked = options.questions;
    const bool has_keys = !options.tokens.keys->keys.empty();
    const Rules rules(options.rules, has_keys);
    const Rule* rule = rules.rule_for(*asked.topic);
    print("topic", *asked.topic);
    print_rule(options, rule);
    const auto token = asked.token ? token_text(*asked.token) : std::string();
    Shown shown;
    if (token.empty()) {
        print("token", "none");
    } else if (!has_keys) {
        print("token", "not looked at: there is no --token-key-file");
    } else {
        shown = look_at(options.tokens, token);
        print_token(shown, rule);
    }
    if (shown.error) {
        const std::string refused = "no: the handshake is refused with 403, ";
        print("join", refused + in_quotes(name_of(*shown.error)));
        return print("push", "no: there is no connection");
    }
    print_answers(options, rule, shown.bearer ? &*shown.bearer : nullptr);
}

}  // namespace

void answer_questions(const Options& options) {
    if (options.questions.is_check) {
        check_listen_addresses(options.door.listen);
        start_log(std::max(options.log_level, LogLevel::warning));
        say_what_is_doubtful(options);
        std::cout << "roostd: the configuration is all right\n";
    }
    if (options.questions.topic) explain(options);
}

}  // namespace roost
