#include "daemon/core/rules.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace roost;
using namespace std::string_literals;

namespace {

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
    const Rule prefix{"room:*"};
    for (const auto& topic : {"room:"s, "room:*"s, "room:a:b/c d"s, "room:\0"s}) {
        CHECK(prefix.matches(topic));
    }
    for (const auto* topic : {"room", "ROOM:1", "", " room:a"}) CHECK_FALSE(prefix.matches(topic));
    const Rule exact{"room:a"};
    CHECK(exact.matches("room:a"));
    CHECK_FALSE(exact.matches("room:ab"));
    CHECK_FALSE(exact.matches("room:"));
    CHECK(Rule{"*"}.matches(""));
}

TEST_CASE("a rule is read from its words") {
    CHECK(parsed("room:*") == Rule{"room:*", JoinPolicy::open, PushPolicy::broadcast});
    CHECK(parsed("room:* join=deny") == Rule{"room:*", JoinPolicy::deny, PushPolicy::broadcast});
    CHECK(parsed("  a\tpush=others  join=open ") ==
          Rule{"a", JoinPolicy::open, PushPolicy::others});
    CHECK(parsed("* push=deny").push == PushPolicy::deny);
    CHECK(parsed("* push=broadcast").push == PushPolicy::broadcast);
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
    CHECK(error_of("a history=5").find("history=5") != std::string::npos);
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
    const Rules rules({{"room:vip", JoinPolicy::deny, PushPolicy::deny},
                       {"room:*", JoinPolicy::open, PushPolicy::others},
                       {"room:late", JoinPolicy::deny, PushPolicy::deny},
                       {"phoenix", JoinPolicy::open, PushPolicy::broadcast}});
    CHECK(rules.rule_for("room:vip")->join == JoinPolicy::deny);
    CHECK(rules.rule_for("room:late")->push == PushPolicy::others);
    CHECK_FALSE(rules.rule_for("lobby"));
    CHECK_FALSE(rules.rule_for("phoenix"));
}
