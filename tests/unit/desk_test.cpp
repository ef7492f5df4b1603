#include "daemon/core/desk.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/made.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;

namespace {

constexpr Holder desk_holder = 4;
constexpr Holder shard_holder = 1;

// Both outlets, as the fabric has them: what is live waits for the end of the turn.
struct Outlet : GroupOutlet, DeskOutlet {
    void open_contact(ContactId, const Endpoint&, std::size_t) override {}
    void close_contact(ContactId) override {}
    bool to_contact(ContactId, std::string_view) override { return true; }
    bool answer(const std::string&, std::string_view) override { return true; }
    void listen_to(const Endpoint&, std::size_t) override {}
    void stop_listening_to(const Endpoint&) override {}
    void subscribe(std::string_view) override {}
    void unsubscribe(std::string_view) override {}
    void publish(std::string_view) override {}
    void broadcast(const BroadcastRef&) override { ++published; }
    void send_beacon(std::string_view) override {}
    void to_holder(Holder, const BroadcastRef&) override {}
    void to_holder(Holder, const Gap&) override {}
    void resumed(Holder, Ticket, Replay) override {}
    void poll_asked(const std::string&, std::uint64_t, const PollRequest&) override {}
    void poll_answered(Holder, std::uint64_t, const PollAnswer&) override {}
    void live(Holder holder, Bucket bucket, Ticket ticket) override {
        if (holder == desk_holder) lives.emplace_back(bucket, ticket);
    }
    bool to_client(const std::string& route, std::string_view bytes) override {
        if (is_deaf) return false;
        auto read = control::decode_answer(bytes);
        REQUIRE(read);
        answers[route].push_back(*read);
        return true;
    }
    void to_shards(const BroadcastRef& broadcast) override { shards.push_back(broadcast); }
    void ask_topics(std::uint64_t question) override { questions.push_back(question); }
    void note(const Fact& fact) override { ++facts[fact.kind]; }

    std::vector<std::pair<Bucket, Ticket>> lives;
    bool is_deaf = false;
    int published = 0;
    std::map<std::string, std::vector<control::Answer>> answers;
    std::vector<BroadcastRef> shards;
    std::vector<std::uint64_t> questions;
    std::map<FactKind, int> facts;
};

GroupConfig group_config() {
    GroupConfig config;
    config.name = "web-1";
    config.incarnation = 0x1f;
    config.beacon = false;
    return config;
}

DeskConfig desk_config() {
    DeskConfig config;
    config.version = "0.1.0";
    config.shards = 2;
    config.message_bytes_max = 100;
    return config;
}

struct Fixture {
    void ask(std::uint64_t id, decltype(control::Request::verb) verb,
             const std::string& route = "one") {
        desk.on_request(route, control::encode(control::Request{id, std::move(verb)}), now);
    }
    void deliver_live() {
        for (const auto& [bucket, ticket] : std::exchange(outlet.lives, {})) {
            desk.on_live(bucket, ticket);
        }
    }
    void end_turn() {
        group.end_of_turn(now);
        deliver_live();
    }
    std::vector<control::Answer> heard(const std::string& route = "one") {
        return std::exchange(outlet.answers[route], {});
    }
    template <class T>
    T only(std::uint64_t id, const std::string& route = "one") {
        const auto answers = heard(route);
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].id == id);
        REQUIRE(std::holds_alternative<T>(answers[0].body));
        return std::get<T>(answers[0].body);
    }
    void subscribed(std::uint64_t id, const std::string& topic, const std::string& route = "one") {
        ask(id, control::Subscribe{{topic}}, route);
        end_turn();
        only<control::Subscribed>(id, route);
    }

    Time now{1h};
    Outlet outlet;
    Group group{group_config(), outlet, now};
    Desk desk{desk_config(), desk_holder, group, outlet, now};
};

}  // namespace

TEST_CASE("a ping is answered by who the node is") {
    Fixture f;
    f.now += 1500ms;
    f.ask(7, control::Ping{});
    CHECK(f.only<control::Pong>(7) ==
          control::Pong{"web-1", "000000000000001f", "roost", "0.1.0", 1500});
}

TEST_CASE("a publish goes to the group and to the shards, and is answered by its position") {
    Fixture f;
    f.ask(1, control::Publish{"room:a", "ev", R"({"a":1})", {}});
    CHECK(f.only<control::Published>(1) == control::Published{"000000000000001f.4/1", 0, false});
    CHECK(f.outlet.published == 1);
    REQUIRE(f.outlet.shards.size() == 1);
    CHECK(f.outlet.shards[0]->payload() == R"({"a":1})");
    CHECK(f.outlet.shards[0]->origin() == Origin{0x1f, desk_holder});
}

TEST_CASE("a payload that is no JSON object, or too big, is refused and published nowhere") {
    Fixture f;
    for (const auto* payload : {"", "null", "[1]", "{", "{}x", "{\"a\":1e400}"}) {
        f.ask(1, control::Publish{"room:a", "ev", payload, {}});
        CHECK(f.only<control::Refused>(1).code == "bad_payload");
    }
    f.ask(2, control::Publish{"room:a", "ev", "{\"a\":\"" + std::string(100, 'x') + "\"}", {}});
    CHECK(f.only<control::Refused>(2).code == "too_big");
    CHECK(f.outlet.published == 0);
    CHECK(f.outlet.shards.empty());
    CHECK(f.outlet.facts[FactKind::control_request_refused] == 7);
}

TEST_CASE("bytes that are no request are refused") {
    Fixture f;
    f.desk.on_request("one", "\xc1", f.now);
    CHECK(f.only<control::Refused>(0).code == "bad_request");
}

TEST_CASE("a subscription is answered when it is live, and then carries messages") {
    Fixture f;
    f.ask(3, control::Subscribe{{"room:a", "room:b", "room:a"}});
    CHECK(f.heard().empty());
    f.end_turn();
    f.only<control::Subscribed>(3);
    f.desk.on_broadcast(made({9, 1}, 5, "room:b"), f.now);
    CHECK(f.only<control::Message>(3) ==
          control::Message{"room:b", "ev", "{}", "0000000000000009.1/5", 0});
    f.desk.on_broadcast(made({9, 1}, 5, "room:c"), f.now);
    CHECK(f.heard().empty());
}

TEST_CASE("a subscription is answered once, and only when each of its topics is live") {
    Fixture f;
    f.group.on_want(shard_holder, bucket_of("room:a"), 1);
    f.end_turn();
    f.ask(3, control::Subscribe{{"room:a", "room:b"}});
    f.deliver_live();
    CHECK(f.heard().empty());
    f.end_turn();
    f.only<control::Subscribed>(3);
}

TEST_CASE("each subscriber of a topic hears a message, its publisher before the answer") {
    Fixture f;
    f.subscribed(1, "room:a", "one");
    f.subscribed(1, "room:a", "two");
    f.ask(2, control::Publish{"room:a", "ev", "{}", {}}, "one");
    const auto answers = f.heard("one");
    REQUIRE(answers.size() == 2);
    CHECK(std::holds_alternative<control::Message>(answers[0].body));
    CHECK(std::holds_alternative<control::Published>(answers[1].body));
    f.only<control::Message>(1, "two");
}

TEST_CASE("a subscription's id cannot be used twice while it lives") {
    Fixture f;
    f.subscribed(1, "room:a");
    f.ask(1, control::Subscribe{{"room:b"}});
    CHECK(f.only<control::Refused>(1).code == "bad_request");
    f.ask(2, control::Unsubscribe{1});
    f.only<control::Unsubscribed>(2);
    f.desk.on_broadcast(made({9, 1}, 5), f.now);
    CHECK(f.heard().empty());
    f.subscribed(1, "room:b");
}

TEST_CASE("messages that a client did not take are counted in the next one") {
    Fixture f;
    f.subscribed(1, "room:a");
    f.outlet.is_deaf = true;
    for (const std::uint64_t number : {1U, 2U, 3U}) {
        f.desk.on_broadcast(made({9, 1}, number), f.now);
    }
    f.outlet.is_deaf = false;
    f.desk.on_broadcast(made({9, 1}, 4), f.now);
    CHECK(f.only<control::Message>(1).missed == 3);
    f.desk.on_broadcast(made({9, 1}, 5), f.now);
    CHECK(f.only<control::Message>(1).missed == 0);
}

TEST_CASE("topics are asked of every shard, and their rows are added") {
    Fixture f;
    f.ask(5, control::Topics{});
    REQUIRE(f.outlet.questions.size() == 1);
    f.desk.on_topics(f.outlet.questions[0], {{"room:b", 2}, {"room:a", 1}});
    CHECK(f.heard().empty());
    f.desk.on_topics(f.outlet.questions[0], {{"room:b", 3}});
    CHECK(f.only<control::TopicList>(5) == control::TopicList{{{"room:a", 1}, {"room:b", 5}}});
    f.desk.on_topics(f.outlet.questions[0], {});
    CHECK(f.heard().empty());
}

TEST_CASE("nodes names at least the node itself") {
    Fixture f;
    f.ask(6, control::Nodes{});
    const auto list = f.only<control::NodeList>(6);
    REQUIRE(list.nodes.size() == 1);
    CHECK(list.nodes[0].name == "web-1");
    CHECK(list.nodes[0].state == "self");
}

TEST_CASE(
    "a client that is silent for longer than allowed loses its subscriptions, others do not") {
    Fixture f;
    f.subscribed(1, "room:a", "one");
    f.subscribed(1, "room:a", "two");
    f.now += 20s;
    f.ask(2, control::Ping{}, "two");
    (void)f.heard("two");
    f.desk.tick(f.now);
    CHECK(f.desk.client_count() == 2);
    f.now += 1ms;
    f.desk.tick(f.now);
    CHECK(f.desk.client_count() == 1);
    CHECK(f.outlet.facts[FactKind::control_client_gone] == 1);
    f.desk.on_broadcast(made({9, 1}, 1), f.now);
    CHECK(f.heard("one").empty());
    f.only<control::Message>(1, "two");
}

TEST_CASE("a publish with a message id shows once, and its repetition is answered as a duplicate") {
    Fixture f;
    f.subscribed(1, "room:a");
    f.ask(2, control::Publish{"room:a", "ev", "{}", "id"});
    CHECK(f.heard().size() == 2);
    f.ask(3, control::Publish{"room:a", "ev", "{}", "id"});
    CHECK(f.only<control::Published>(3) == control::Published{"", 0, true});
    CHECK(f.outlet.published == 1);
    CHECK(f.outlet.shards.size() == 1);
    CHECK(f.outlet.shards[0]->id() == "id");
    CHECK(f.desk.deduplicated() == 1);
    f.ask(4, control::Publish{"room:b", "ev", "{}", "id"});
    CHECK_FALSE(f.only<control::Published>(4).is_duplicate);
    f.now += 120s;
    f.ask(5, control::Publish{"room:a", "ev", "{}", "id"});
    CHECK(f.outlet.published == 3);
}

TEST_CASE("a message that was repeated on another node reaches a subscriber once") {
    Fixture f;
    f.subscribed(1, "room:a");
    f.desk.on_broadcast(made({9, 1}, 5, "room:a", "{}", "id"), f.now);
    f.only<control::Message>(1);
    f.desk.on_broadcast(made({8, 1}, 3, "room:a", "{}", "id"), f.now);
    CHECK(f.heard().empty());
    CHECK(f.desk.deduplicated() == 1);
}

TEST_CASE("a publish that is refused does not use up its message id") {
    Fixture f;
    f.ask(1, control::Publish{"room:a", "ev", "[]", "id"});
    f.only<control::Refused>(1);
    f.ask(2, control::Publish{"room:a", "ev", "{}", "id"});
    CHECK_FALSE(f.only<control::Published>(2).is_duplicate);
}
