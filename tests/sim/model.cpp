#include "tests/sim/model.hpp"

#include <algorithm>

namespace roost::sim {

namespace {
// What two nodes need to find each other and prove their link; and a message, to arrive.
constexpr Duration settle = std::chrono::seconds(8);
constexpr Duration travel = std::chrono::seconds(1);
}  // namespace

void Model::on_joined(ClientId client, std::size_t node, const std::string& topic, Time now) {
    clients_[client] = Client{node, topic, now, never, {}, {}};
}

void Model::on_gone(ClientId client, Time now) {
    const auto found = clients_.find(client);
    if (found != clients_.end()) found->second.gone = now;
}

void Model::on_published(std::uint64_t id, ClientId publisher, std::size_t node,
                         const std::string& topic, Time now) {
    messages_[id] = Message{publisher, node, topic, now};
}

void Model::on_heard(ClientId id, std::uint64_t message, Time now) {
    Client& client = clients_[id];
    const auto name = "client " + std::to_string(id) + ", message " + std::to_string(message);
    ++deliveries_;
    if (!messages_.contains(message)) return breach(name + ": never published");
    if (!client.heard.emplace(message, now).second) return breach(name + ": heard twice");
    if (messages_[message].topic != client.topic) return breach(name + ": of another topic");
    std::uint64_t& last = client.last_of[messages_[message].publisher];
    if (message < last) breach(name + ": heard after a later one of its publisher");
    last = std::max(last, message);
}

void Model::on_disturbed(std::size_t a, std::size_t b, bool is_linked, Time now) {
    disturbances_[{std::min(a, b), std::max(a, b)}].push_back({now, is_linked});
}

bool Model::is_undisturbed(std::size_t a, std::size_t b, Time from, Time to) const {
    if (a == b) return true;
    const auto found = disturbances_.find({std::min(a, b), std::max(a, b)});
    if (found == disturbances_.end()) return true;
    bool is_linked = true;
    for (const auto& disturbance : found->second) {
        if (disturbance.time > to) break;
        if (disturbance.time >= from) return false;
        is_linked = disturbance.is_linked;
    }
    return is_linked;
}

void Model::check_reach(Time now) {
    for (const auto& [id, message] : messages_) {
        const Time due = message.published + travel;
        if (due > now) continue;
        for (const auto& [client_id, client] : clients_) {
            if (client.topic != message.topic || client.joined >= message.published) continue;
            if (client.gone <= due) continue;
            if (!is_undisturbed(message.node, client.node, client.joined - settle, due)) continue;
            ++owed_;
            if (!client.heard.contains(id)) {
                breach("client " + std::to_string(client_id) + " on node " +
                       std::to_string(client.node) + " never heard message " + std::to_string(id) +
                       " of node " + std::to_string(message.node));
            }
        }
    }
}

}  // namespace roost::sim
