// What a client's token lets it do, its renewal and its end.
#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;

namespace {

// Tokens are the name of their subject, and valid for an hour; "bad" is not.
struct Names : TokenCheck {
    bool has_keys() const override { return are_checked; }
    Result<Bearer, TokenError> check(std::string_view token, Time now) override {
        if (token == "bad") return Unexpected{TokenError::bad_signature};
        Bearer bearer;
        bearer.claims.subject = token;
        bearer.claims.texts = {{"sub", std::string(token)}, {"org", "acme"}};
        bearer.claims.topics = grants;
        bearer.expires = now + 1h;
        return bearer;
    }
    bool are_checked = true;
    std::optional<TopicGrants> grants;
};

Rule rule_of(std::string_view text) {
    auto rule = parse_rule(text);
    REQUIRE(rule);
    return *rule;
}

struct Fixture : HubFixture {
    explicit Fixture(std::vector<Rule> given)
        : own_rules(std::move(given), true),
          guarded({7, 2}, own_rules, small_limits(), outlet, sink, &names) {}

    SocketId open(std::string_view token = {}, Wire wire = Wire::v2) {
        if (token.empty()) return guarded.on_open(wire, now);
        return guarded.on_open(wire, now, std::make_unique<Bearer>(*names.check(token, now)));
    }
    Texts ask(SocketId socket, std::string_view text) {
        guarded.on_text(socket, text, now);
        for (const auto& [bucket, ticket] : std::exchange(outlet.wants, {})) {
            guarded.on_live(bucket, ticket, now);
        }
        guarded.flush();
        return std::exchange(sink.sent[socket], {});
    }
    std::string join(SocketId socket, const std::string& topic) {
        const auto heard = ask(socket, R"(["1","1",")" + topic + R"(","phx_join",{}])");
        REQUIRE(heard.size() == 1);
        const std::string head = R"(["1","1",")" + topic + R"(",)";
        if (heard[0] == head + ok) return "ok";
        const auto at = heard[0].find(R"("reason":")") + 10;
        return heard[0].substr(at, heard[0].find('"', at) - at);
    }
    std::string renew(SocketId socket, const std::string& token) {
        const auto heard = ask(
            socket, R"([null,"5","phoenix","access_token",{"access_token":")" + token + R"("}])");
        REQUIRE_FALSE(heard.empty());
        return heard[0];
    }
    void run_for(Duration duration) {
        for (const Time end = now + duration; now < end;) {
            now += 1s;
            guarded.tick(now);
            for (SocketId socket = 0; socket < 3; ++socket) {
                if (socket < guarded.connection_count()) guarded.on_pong(socket, now);
            }
        }
        guarded.flush();
    }

    Names names;
    Rules own_rules;
    Hub guarded;
};

}  // namespace

TEST_CASE("with keys and without rules topics are for those with a token") {
    Fixture f({});
    CHECK(f.join(f.open(), "room:a") == "token needed");
    CHECK(f.join(f.open("alice"), "room:a") == "ok");
    CHECK(f.outlet.facts[FactKind::join_refused] == 1);
}

TEST_CASE("a topic with a claim in its pattern is that of its bearer, and of nobody else") {
    // The last rule opens nothing that belongs to somebody.
    Fixture f({rule_of("user:{sub}"), rule_of("org:{org}:* join=token"), rule_of("* join=open")});
    const auto alice = f.open("alice"), nobody = f.open();
    CHECK(f.join(alice, "user:alice") == "ok");
    CHECK(f.join(alice, "user:bob") == "topic of another");
    CHECK(f.join(alice, "user:alice2") == "topic of another");
    CHECK(f.join(alice, "org:acme:x") == "ok");
    CHECK(f.join(alice, "org:acme2:x") == "topic of another");
    CHECK(f.join(nobody, "user:alice") == "token needed");
    CHECK(f.join(nobody, "room:a") == "ok");
}

TEST_CASE("a claim is a text, never a pattern") {
    Fixture f({rule_of("user:{sub}")});
    const auto star = f.open("*");
    CHECK(f.join(star, "user:alice") == "topic of another");
    CHECK(f.join(star, "user:*") == "ok");
}

TEST_CASE("the topics of a token narrow what the rules allow") {
    Fixture f({rule_of("room:* join=token"), rule_of("secret join=deny")});
    f.names.grants = TopicGrants{{"room:*", "secret"}, {"room:1"}};
    const auto alice = f.open("alice");
    CHECK(f.join(alice, "secret") == "join denied");
    CHECK(f.join(alice, "room:1") == "ok");
    CHECK(f.join(alice, "room:2") == "ok");
    CHECK(f.ask(alice, R"(["1","2","room:1","say",{}])").size() == 2);
    CHECK(f.ask(alice, R"(["1","2","room:2","say",{}])") ==
          Texts{R"(["1","2","room:2",)" + error("push not in token")});
    f.names.grants = TopicGrants{{"lobby"}, {}};
    CHECK(f.join(f.open("bob"), "room:1") == "topic not in token");
}

TEST_CASE("a client is warned before its token expires, and closed after it") {
    Fixture f({});
    const auto alice = f.open("alice");
    f.run_for(59min - 1s);
    CHECK(f.sink.sent[alice].empty());
    f.run_for(2s);
    const auto warned = std::exchange(f.sink.sent[alice], {});
    REQUIRE(warned.size() == 1);
    CHECK(warned[0].starts_with(R"([null,null,"phoenix","roost:token_expires",{"in":)"));
    f.run_for(58s);
    CHECK(f.sink.sent[alice].empty());
    CHECK(f.outlet.closes.empty());
    f.run_for(2s);
    REQUIRE(f.outlet.closes.size() == 1);
    CHECK(f.outlet.closes[0].second == CloseCode::token_expired);
}

TEST_CASE("a fresh token in time keeps the connection, and its channels") {
    Fixture f({});
    const auto alice = f.open("alice");
    CHECK(f.join(alice, "room:a") == "ok");
    f.run_for(59min + 30s);
    f.sink.sent[alice].clear();
    CHECK(f.renew(alice, "alice") == R"([null,"5","phoenix",)" + ok);
    f.run_for(10min);
    CHECK(f.outlet.closes.empty());
    CHECK(f.guarded.channels().channel_count() == 1);
}

TEST_CASE("a fresh token may come on a channel, and is shown to nobody") {
    Fixture f({});
    const auto alice = f.open("alice"), bob = f.open("bob");
    f.join(alice, "room:a");
    f.join(bob, "room:a");
    CHECK(f.ask(alice, R"(["1","2","room:a","access_token",{"access_token":"alice"}])") ==
          Texts{R"(["1","2","room:a",)" + ok});
    CHECK(f.sink.sent[bob].empty());
    CHECK(f.outlet.published.empty());
    f.names.are_checked = false;
    CHECK(f.ask(alice, R"(["1","3","room:a","access_token",{"access_token":"alice"}])") ==
          Texts{R"(["1","3","room:a",)" + ok});
    CHECK(f.outlet.published.empty());
}

TEST_CASE("a token that is refused leaves the connection as it was") {
    Fixture f({});
    const auto alice = f.open("alice");
    CHECK(f.renew(alice, "bad") ==
          R"([null,"5","phoenix",)" + error("token refused: bad signature"));
    CHECK(f.renew(alice, "bob") ==
          R"([null,"5","phoenix",)" + error("token refused: it is of another subject"));
    CHECK(f.outlet.facts[FactKind::token_refused] == 1);
    CHECK(f.join(alice, "room:a") == "ok");
    f.run_for(1h + 1s);
    CHECK(f.outlet.closes.size() == 1);
}

TEST_CASE("who came without a token becomes somebody by showing one") {
    Fixture f({});
    const auto client = f.open();
    CHECK(f.join(client, "room:a") == "token needed");
    CHECK(f.renew(client, "alice") == R"([null,"5","phoenix",)" + ok);
    CHECK(f.join(client, "room:a") == "ok");
}

TEST_CASE("channels that a fresh token does not allow end with an error that says so") {
    Fixture f({});
    const auto alice = f.open("alice");
    f.join(alice, "room:a");
    f.join(alice, "room:b");
    f.names.grants = TopicGrants{{"room:b"}, {"room:b"}};
    const auto heard =
        f.ask(alice, R"([null,"5","phoenix","access_token",{"access_token":"alice"}])");
    CHECK(heard == Texts{R"([null,"5","phoenix",)" + ok,
                         R"(["1","1","room:a","phx_error",{"reason":"topic not in token"}])"});
    CHECK(f.guarded.channels().channel_count() == 1);
}

TEST_CASE("v1: a channel that ends with an error has the ref of its join") {
    Fixture f({});
    const auto alice = f.open("alice", Wire::v1);
    f.ask(alice, R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"7"})");
    f.names.grants = TopicGrants{};
    const auto heard = f.ask(
        alice,
        R"({"topic":"phoenix","event":"access_token","payload":{"access_token":"alice"},"ref":"8"})");
    REQUIRE(heard.size() == 2);
    CHECK(
        heard[1] ==
        R"({"event":"phx_error","payload":{"reason":"topic not in token"},"ref":"7","topic":"room:a"})");
}

TEST_CASE("a payload without a token is refused by what would be right") {
    Fixture f({});
    const auto alice = f.open("alice");
    for (const auto* payload : {"{}", "[]", "7", R"({"access_token":7})", R"("alice")"}) {
        const auto heard =
            f.ask(alice, R"([null,"5","phoenix","access_token",)" + std::string(payload) + "]");
        CHECK(heard ==
              Texts{R"([null,"5","phoenix","phx_reply",{"response":{"reason":"the payload )"
                    R"(must be {\"access_token\":TOKEN}"},"status":"error"}])"});
    }
}
