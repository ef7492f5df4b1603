#include "daemon/core/rules.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace roost;
using namespace std::string_literals;

namespace {

Rule rule_of(std::string_view pattern) {
    Rule rule;
    rule.pattern = pattern;
    return rule;
}

Rule parsed(std::string_view text) {
    const auto rule = parse_rule(text);
    REQUIRE(rule);
    return *rule;
}

std::string error_of(std::string_view text) {
    const auto rule = parse_rule(text);
    REQUIRE_FALSE(rule);
    return rule.error();
}

}  // namespace

TEST_CASE("a pattern is exact, or a prefix that ends in a star") {
    const Rule prefix = rule_of("room:*");
    for (const auto& topic : {"room:"s, "room:*"s, "room:a:b/c d"s, "room:\0"s}) {
        CHECK(prefix.matches(topic));
    }
    for (const auto* topic : {"room", "ROOM:1", "", " room:a"}) CHECK_FALSE(prefix.matches(topic));
    const Rule exact = rule_of("room:a");
    CHECK(exact.matches("room:a"));
    CHECK_FALSE(exact.matches("room:ab"));
    CHECK_FALSE(exact.matches("room:"));
    CHECK(rule_of("*").matches(""));
}

TEST_CASE("a rule is read from its words") {
    CHECK(parsed("room:*") == Rule{"room:*", JoinPolicy::open, PushPolicy::broadcast, {}});
    CHECK(parsed("room:* join=deny") ==
          Rule{"room:*", JoinPolicy::deny, PushPolicy::broadcast, {}});
    CHECK(parsed("  a\tpush=others  join=open ") ==
          Rule{"a", JoinPolicy::open, PushPolicy::others, {}});
    CHECK(parsed("* push=deny").push == PushPolicy::deny);
    CHECK(parsed("* push=broadcast").push == PushPolicy::broadcast);
}

TEST_CASE("a rule keeps so many messages, for so long") {
    using namespace std::chrono_literals;
    CHECK(parsed("a").history == HistoryLimit{});
    CHECK(parsed("a history=100,10m").history == HistoryLimit{100, 10min});
    CHECK(parsed("a history=1,1s").history == HistoryLimit{1, 1s});
    CHECK(parsed("a history=1000000,48h push=deny").history == HistoryLimit{1'000'000, 48h});
    CHECK_FALSE(Rules({parsed("a"), parsed("b")}).has_history());
    const Rules rules({parsed("a history=1,3s"), parsed("b"), parsed("* history=5,2m")});
    CHECK(rules.has_history());
    CHECK(rules.longest_history() == 2min);
    CHECK(rules.rule_for("a")->history.count == 1);
    CHECK(rules.rule_for("b")->history.count == 0);
}

TEST_CASE("a rule that is wrong is refused with what was wrong and what would be right") {
    CHECK(error_of("").find("pattern") != std::string::npos);
    CHECK(error_of("   ").find("pattern") != std::string::npos);
    CHECK(error_of("join=open").find("pattern") != std::string::npos);
    CHECK(error_of("room:*:x join=open").find("room:*:x") != std::string::npos);
    CHECK(error_of("**").find("end of a pattern") != std::string::npos);
    CHECK(error_of("a join=closed").find("open, deny") != std::string::npos);
    CHECK(error_of("a join").find("open, deny") != std::string::npos);
    CHECK(error_of("a push=all").find("broadcast, others, deny") != std::string::npos);
    for (const auto* history : {"5", "5,", ",5s", "0,5s", "5,0s", "5,5", "5,5d", "5,5sx", "-1,5s",
                                "5,-5s", "1000001,5s", "5 ,5s", "5,99999999999s", ""}) {
        CAPTURE(history);
        const auto text = "history=" + std::string(history);
        const auto error = error_of("a " + text);
        CHECK(error.find("history=100,10m") != std::string::npos);
    }
    CHECK(error_of("a b join=open").find("'b'") != std::string::npos);
}

TEST_CASE("without rules every topic is open, except Phoenix's own") {
    const Rules rules({});
    for (const auto* topic : {"", "room:a", "phoenix:x", "Phoenix"}) {
        const Rule* rule = rules.rule_for(topic);
        REQUIRE(rule);
        CHECK(rule->join == JoinPolicy::open);
        CHECK(rule->push == PushPolicy::broadcast);
    }
    CHECK_FALSE(rules.rule_for("phoenix"));
}

TEST_CASE("the first rule that matches decides, and what none matches has no rule") {
    const Rules rules({{"room:vip", JoinPolicy::deny, PushPolicy::deny, {}},
                       {"room:*", JoinPolicy::open, PushPolicy::others, {}},
                       {"room:late", JoinPolicy::deny, PushPolicy::deny, {}},
                       {"phoenix", JoinPolicy::open, PushPolicy::broadcast, {}}});
    CHECK(rules.rule_for("room:vip")->join == JoinPolicy::deny);
    CHECK(rules.rule_for("room:late")->push == PushPolicy::others);
    CHECK_FALSE(rules.rule_for("lobby"));
    CHECK_FALSE(rules.rule_for("phoenix"));
}
