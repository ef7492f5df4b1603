// cluster_node: one node of a simulated group: hub and group of the real core, with one shard.
//
// They are joined by calls that wait for the end of the event, as the queues between the loops of a
// real node do.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/sim/cluster.hpp"

namespace roost::sim {

inline Endpoint router_of(std::size_t node) {
    return {"10.0.0." + std::to_string(node), 7370};
}

inline std::size_t node_of(const Endpoint& endpoint) {
    return std::stoul(endpoint.host.substr(endpoint.host.rfind('.') + 1));
}

struct Cluster::Node final : HubOutlet, GroupOutlet, SocketSink {
    Cluster& cluster;
    std::size_t id;
    Rules rules;
    // The clocks of two machines have nothing to do with each other.
    Duration clock_ahead;
    std::deque<std::function<void()>> letters;
    std::map<ContactId, std::size_t> contacts;
    std::unique_ptr<Hub> hub;
    std::unique_ptr<Group> group;

    Node(Cluster& cluster_, std::size_t id_)
        : cluster(cluster_),
          id(id_),
          rules(cluster.config_.rules),
          clock_ahead(std::chrono::seconds(1000 * (id_ + 1))) {}

    Network& net() { return cluster.network_; }
    Time now() { return net().now() + clock_ahead; }
    void later(std::function<void()> letter) { letters.push_back(std::move(letter)); }

    void to_node(const BroadcastRef& message) override {
        cluster.on_numbered(*message);
        later([this, message] { group->on_local(message, now()); });
    }
    void want(Bucket bucket, Ticket ticket) override {
        later([=, this] { group->on_want(0, bucket, ticket); });
    }
    void release(Bucket bucket) override {
        later([=, this] { group->on_release(0, bucket, now()); });
    }
    void resume(Ticket ticket, std::string_view topic, const Since& since) override {
        later([this, ticket, topic = std::string(topic), since] {
            group->on_resume(0, ticket, topic, since, now());
        });
    }
    void close(SocketId socket, CloseCode) override { cluster.on_closed(id, socket); }
    void note(const Fact& fact) override {
        if (!cluster.trace_) return;
        cluster.tell("node " + std::to_string(id) + ": " + std::string(name_of(fact.kind)) + " " +
                     fact.subject + " " + fact.detail);
    }
    bool send(SocketId socket, std::string_view bytes) override {
        cluster.on_bytes(id, socket, bytes);
        return true;
    }

    void open_contact(ContactId contact, const Endpoint& router, std::size_t) override {
        contacts[contact] = node_of(router);
    }
    void close_contact(ContactId contact) override { contacts.erase(contact); }
    bool to_contact(ContactId contact, std::string_view bytes) override {
        return net().call(id, contact, contacts.at(contact), bytes);
    }
    bool answer(const std::string& route, std::string_view bytes) override {
        net().answer(id, route, bytes);
        return true;
    }
    void listen_to(const Endpoint& publisher, std::size_t) override {
        net().listen_to(id, node_of(publisher));
    }
    void stop_listening_to(const Endpoint& publisher) override {
        net().stop_listening_to(id, node_of(publisher));
    }
    void subscribe(std::string_view key) override { net().subscribe(id, key); }
    void unsubscribe(std::string_view key) override { net().unsubscribe(id, key); }
    void publish(std::string_view bytes) override { net().publish(id, bytes); }
    void broadcast(const BroadcastRef& message) override { net().publish(id, message->wire()); }
    void send_beacon(std::string_view bytes) override { net().beacon(id, bytes); }
    void to_holder(Holder, const BroadcastRef& message) override {
        later([this, message] { hub->on_broadcast(message, now()); });
    }
    void to_holder(Holder, const Gap& gap) override {
        later([this, gap] { hub->on_gap(gap); });
    }
    void live(Holder, Bucket bucket, Ticket ticket) override {
        later([=, this] { hub->on_live(bucket, ticket, now()); });
    }
    void poll_asked(const std::string&, std::uint64_t, const PollRequest&) override {}
    void poll_answered(Holder, std::uint64_t, const PollAnswer&) override {}
    void resumed(Holder, Ticket ticket, Replay replay) override {
        later([this, ticket, replay] { hub->on_resumed(ticket, replay, now()); });
    }

    Ends ends() {
        Ends on;
        on.on_subscription = [this](std::string_view key) { group->on_subscription(key); };
        on.on_published = [this](std::string_view bytes) { group->on_published(bytes, now()); };
        on.on_call = [this](const std::string& route, std::size_t from, std::string_view bytes) {
            group->on_call(route, router_of(from).host, bytes, now());
        };
        on.on_answer = [this](unsigned contact, std::string_view bytes) {
            group->on_answer(contact, bytes, now());
        };
        on.on_beacon = [this](std::size_t from, std::string_view bytes) {
            group->on_beacon(router_of(from).host, bytes, now());
        };
        on.on_link = [this](std::size_t from) {
            group->on_link({router_of(from).host, 7371}, now());
        };
        return on;
    }

    void end_turn() {
        do {
            while (!letters.empty()) {
                const auto letter = std::move(letters.front());
                letters.pop_front();
                letter();
            }
            group->end_of_turn(now());
        } while (!letters.empty());
        hub->flush();
    }
};

}  // namespace roost::sim
