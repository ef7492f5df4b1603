// group_fixture: a group with an outlet that records, and peers that are played by the test.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/group.hpp"

namespace roost::test {

using namespace std::chrono_literals;

struct GroupRecorder final : GroupOutlet {
    std::map<ContactId, Endpoint> contacts;
    std::vector<std::pair<ContactId, std::string>> calls;
    std::vector<std::pair<std::string, std::string>> answers;
    std::vector<Endpoint> publishers;
    std::vector<std::size_t> keys;  // of the contacts as they were opened
    std::size_t listening_key = 0;
    std::vector<std::string> subscriptions, published;
    std::vector<std::pair<Bucket, Ticket>> lives;
    std::vector<std::uint64_t> delivered;
    std::map<FactKind, int> facts;
    bool is_connected = true;

    void open_contact(ContactId id, const Endpoint& router, std::size_t key) override {
        contacts[id] = router;
        keys.push_back(key);
    }
    void close_contact(ContactId id) override { contacts.erase(id); }
    bool to_contact(ContactId id, std::string_view bytes) override {
        if (is_connected) calls.emplace_back(id, bytes);
        return is_connected;
    }
    void answer(const std::string& route, std::string_view bytes) override {
        answers.emplace_back(route, bytes);
    }
    void listen_to(const Endpoint& publisher, std::size_t key) override {
        publishers.push_back(publisher);
        listening_key = key;
    }
    void stop_listening_to(const Endpoint& publisher) override {
        std::erase(publishers, publisher);
    }
    void subscribe(std::string_view key) override { subscriptions.emplace_back(key); }
    void unsubscribe(std::string_view key) override { std::erase(subscriptions, key); }
    void publish(std::string_view bytes) override { published.emplace_back(bytes); }
    void send_beacon(std::string_view) override {}
    void to_holder(Holder, const BroadcastRef& message) override {
        delivered.push_back(message->number());
    }
    void live(Holder, Bucket bucket, Ticket ticket) override { lives.emplace_back(bucket, ticket); }
    void note(const Fact& fact) override { ++facts[fact.kind]; }
};

inline GroupConfig group_config(std::vector<Endpoint> peers) {
    GroupConfig made;
    made.name = "one";
    made.incarnation = 1;
    made.router_port = 7370;
    made.pub_port = 7371;
    made.peers = std::move(peers);
    made.beacon = false;
    return made;
}

struct GroupFixture {
    GroupRecorder outlet;
    Time now{};
    Group group;

    explicit GroupFixture(GroupConfig config = group_config({{"10.0.0.2", 7370}}))
        : group(std::move(config), outlet, now) {}

    static group::Identity other(Incarnation incarnation = 2, const std::string& name = "two") {
        group::Identity identity;
        identity.group = "roost";
        identity.name = name;
        identity.incarnation = incarnation;
        identity.router_port = 7370;
        identity.pub_port = 7371;
        return identity;
    }
    void run_for(Duration duration) {
        for (const Time end = now + duration; now < end; now += 50ms) group.tick(now);
    }
    // The newest fence that is open.
    group::FenceId fence() const {
        for (auto key = outlet.subscriptions.rbegin(); key != outlet.subscriptions.rend(); ++key) {
            if (const auto found = group::fence_of(*key)) return *found;
        }
        return {};
    }
    void answer_fence(Incarnation sender) {
        group.on_published(group::encode(group::FenceAnswer{fence(), sender}), now);
    }
    void meet(Incarnation incarnation = 2) {
        group.on_answer(1, group::encode(group::Welcome{other(incarnation)}), now);
        answer_fence(incarnation);
    }
    void hear(std::uint64_t number, Incarnation incarnation = 2) {
        group.on_published(
            Broadcast::encode({incarnation, 0}, number, "room:1", "say", "{}")->wire(), now);
    }
    std::string state_of(const std::string& address) const {
        for (const auto& row : group.nodes(now)) {
            if (row.address == address) return row.state;
        }
        return "unknown";
    }
};

inline constexpr auto two_address = "10.0.0.2:7370";

}  // namespace roost::test
