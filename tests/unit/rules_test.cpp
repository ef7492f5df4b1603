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
        CHECK(prefix.covers(topic));
    }
    for (const auto* topic : {"room", "ROOM:1", "", " room:a"}) CHECK_FALSE(prefix.covers(topic));
    const Rule exact = rule_of("room:a");
    CHECK(exact.covers("room:a"));
    CHECK_FALSE(exact.covers("room:ab"));
    CHECK_FALSE(exact.covers("room:"));
    CHECK(rule_of("*").covers(""));
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
    CHECK(error_of("a join=closed").find("open, token, backend, deny") != std::string::npos);
    CHECK(error_of("a join").find("open, token, backend, deny") != std::string::npos);
    CHECK(error_of("a push=all").find("broadcast, others, backend, backend:EVENT,..., deny") !=
          std::string::npos);
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

TEST_CASE("a claim in a pattern covers any text, and is that of one bearer") {
    const Rule user = rule_of("user:{sub}"), both = rule_of("o:{org}:u:{sub}:*");
    for (const auto* topic : {"user:a", "user:*", "user:a:b", "user:{sub}"}) {
        CHECK(user.covers(topic));
    }
    for (const auto* topic : {"user:", "user", "users:a"}) CHECK_FALSE(user.covers(topic));
    const Rule three = rule_of("{a}{b}:{c}-x");
    for (const auto* topic : {"12:3-x", "1:2:3-x", "12:-x-x", "123:4-x"}) {
        CHECK(three.covers(topic));
    }
    for (const auto* topic : {"1:2-x", "12:-x", "12:3-xy", "12:3", ":::"}) {
        CHECK_FALSE(three.covers(topic));
    }
    CHECK(both.covers("o:1:u:2:x"));
    CHECK(both.covers("o:1:u:u:2:"));
    CHECK_FALSE(both.covers("o::u:2:x"));
    CHECK(user.is_of("user:a:b", {{"sub", "a:b"}}));
    CHECK_FALSE(user.is_of("user:a", {{"sub", ""}}));
    CHECK_FALSE(user.is_of("user:", {{"sub", ""}}));
    CHECK_FALSE(user.is_of("user:a", {{"org", "a"}}));
    CHECK_FALSE(user.is_of("user:ab", {{"sub", "a"}}));
    CHECK(both.is_of("o:1:u:2:x", {{"sub", "2"}, {"org", "1"}}));
    CHECK_FALSE(both.is_of("o:1:u:2", {{"sub", "2"}, {"org", "1"}}));
}

TEST_CASE("a placeholder that is none is refused with what would be right") {
    for (const auto* text :
         {"user:{", "user:}", "user:{}", "user:{a{b}}", "user:{a-b}", "user:{sub"}) {
        CAPTURE(text);
        const auto rule = parse_rule(text);
        REQUIRE_FALSE(rule);
        CHECK(rule.error().find("user:{sub}") != std::string::npos);
    }
}

TEST_CASE("without rules topics are open, or for those with a token where there are keys") {
    CHECK(Rules({}).rule_for("x")->join == JoinPolicy::open);
    CHECK(Rules({}, true).rule_for("x")->join == JoinPolicy::token);
    CHECK(parsed("* join=token").join == JoinPolicy::token);
}

TEST_CASE("a rule may ask a backend about joins, and about all events or some") {
    const auto all = parse_rule("room:* join=backend push=backend");
    REQUIRE(all);
    CHECK(all->join == JoinPolicy::backend);
    CHECK(all->asks_backend("anything"));
    const auto some = parse_rule("room:* push=backend:echo,vote push=deny");
    REQUIRE(some);
    CHECK(some->push == PushPolicy::deny);
    CHECK(some->asks_backend("vote"));
    CHECK_FALSE(some->asks_backend("other"));
    for (const std::string text :
         {"a push=backend:", "a push=backend:,b", "a push=backend:phx_x"}) {
        const auto wrong = parse_rule(text);
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().find("as in push=backend:echo,vote") != std::string::npos);
    }
}
