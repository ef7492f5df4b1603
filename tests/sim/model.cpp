#include "tests/sim/model.hpp"

#include <algorithm>

namespace roost::sim {

namespace {

// What two nodes need to find each other and prove their link; and a message, to arrive.
constexpr Duration settle = std::chrono::seconds(8);
constexpr Duration travel = std::chrono::seconds(1);

std::string name(ClientId client) {
    return "client " + std::to_string(client);
}

std::string name(ClientId client, std::uint64_t message) {
    return name(client) + ", message " + std::to_string(message);
}

}  // namespace

void Model::on_joined(ClientId id, std::size_t node, const std::string& topic, bool is_recovered,
                      Time now) {
    Client& client = clients_[id];
    if (!is_recovered || client.stays == 0) client.life = Life{node, now, {}, {}, {}, {}};
    client.topic = topic;
    client.node = node;
    client.incarnation = incarnations_[node];
    client.joined = now;
    client.gone = never;
    ++client.stays;
}

void Model::on_gone(ClientId client, Time now) {
    const auto found = clients_.find(client);
    if (found != clients_.end() && found->second.gone == never) found->second.gone = now;
}

void Model::on_published(std::uint64_t id, ClientId publisher, std::size_t node,
                         const std::string& topic, Time now) {
    messages_[id] =
        Message{publisher, clients_[publisher].stays, node, incarnations_[node], topic, now, {}, 0};
}

void Model::on_numbered(std::uint64_t id, const StreamName& stream, std::uint64_t number) {
    messages_[id].stream = stream;
    messages_[id].number = number;
}

void Model::on_heard(ClientId id, std::uint64_t message_id, Time now) {
    Client& client = clients_[id];
    ++deliveries_;
    const auto found = messages_.find(message_id);
    if (found == messages_.end()) return breach(name(id, message_id) + ": never published");
    const Message& message = found->second;
    if (!client.life.heard.emplace(message_id, now).second) {
        return breach(name(id, message_id) + ": heard twice");
    }
    if (message.topic != client.topic) return breach(name(id, message_id) + ": of another topic");
    std::uint64_t& last = client.life.last_of[{message.publisher, message.stay}];
    if (message_id < last) {
        breach(name(id, message_id) + ": heard after " + std::to_string(last) +
               ", a later one of its publisher");
    }
    last = std::max(last, message_id);
}

void Model::on_position(ClientId id, const StreamName& stream, std::uint64_t number, Time) {
    std::uint64_t& last = clients_[id].life.positions[stream];
    if (number <= last) {
        breach(name(id) + ": was at " + stream.origin + "/" + std::to_string(last) +
               ", and is told " + std::to_string(number));
    }
    last = std::max(last, number);
}

void Model::on_gap(ClientId id, const StreamName& stream, std::uint64_t from, std::uint64_t to,
                   Time) {
    if (from > to) return breach(name(id) + ": a gap from " + std::to_string(from) + " to less");
    clients_[id].life.gaps[stream].emplace_back(from, to);
}

void Model::on_started(std::size_t node, Time now) {
    incarnations_[node] = ++last_incarnation_;
    started_[last_incarnation_] = now;
}

void Model::on_stopped(std::size_t node) {
    incarnations_.erase(node);
}

bool Model::is_up(std::size_t node, std::uint64_t incarnation) const {
    const auto found = incarnations_.find(node);
    return found != incarnations_.end() && found->second == incarnation;
}

void Model::on_disturbed(std::size_t a, std::size_t b, bool is_linked, Time now) {
    if (a != b) disturbances_[{std::min(a, b), std::max(a, b)}].push_back({now, is_linked});
}

bool Model::is_undisturbed(std::size_t a, std::size_t b, Time from, Time to) const {
    if (a == b) return true;
    const auto found = disturbances_.find({std::min(a, b), std::max(a, b)});
    if (found == disturbances_.end()) return true;
    // The first that is not before `from`.
    const auto first =
        std::lower_bound(found->second.begin(), found->second.end(), from,
                         [](const Disturbance& one, Time time) { return one.time < time; });
    if (first != found->second.end() && first->time <= to) return false;
    return first == found->second.begin() || std::prev(first)->is_linked;
}

std::vector<ClientId> Model::clients_of(const std::string& topic) const {
    std::vector<ClientId> ids;
    for (const auto& [id, client] : clients_) {
        if (client.topic == topic && client.stays > 0) ids.push_back(id);
    }
    return ids;
}

void Model::check_reach(Time now) {
    std::map<std::string, std::vector<ClientId>> by_topic;
    for (const auto& [id, message] : messages_) {
        const Time due = message.published + travel;
        if (due > now) continue;
        const auto [it, is_new] = by_topic.try_emplace(message.topic);
        if (is_new) it->second = clients_of(message.topic);
        for (const ClientId client_id : it->second) {
            const Client& client = clients_.at(client_id);
            if (client.joined >= message.published || client.gone <= due) continue;
            if (!is_undisturbed(message.node, client.node, client.joined - settle, due)) continue;
            ++owed_;
            if (!client.life.heard.contains(id)) {
                breach(name(client_id) + " on node " + std::to_string(client.node) +
                       " never heard message " + std::to_string(id) + " of node " +
                       std::to_string(message.node));
            }
        }
    }
}

bool Model::is_in_gap(const Client& client, const Message& message) const {
    const auto gaps = client.life.gaps.find(message.stream);
    return gaps != client.life.gaps.end() &&
           std::any_of(gaps->second.begin(), gaps->second.end(), [&](const auto& gap) {
               return gap.first <= message.number && message.number <= gap.second;
           });
}

// The join covered the publisher's node when that was in view: undisturbed for so long that it has
// been. The same for the return, if the client was away. A publisher's node that started after the
// join had to be met first.
bool Model::is_promised(const Client& client, const Message& message) const {
    if (message.published <= client.life.begun) return false;
    const auto is_covered = [&](std::size_t node, Time joined) {
        return is_undisturbed(message.node, node, joined - settle, joined);
    };
    const Time started = started_.at(message.incarnation);
    const Time met = started + settle;
    if (message.published > client.joined && client.joined < met && started > Time{} &&
        (message.published < met ||
         !is_undisturbed(message.node, client.node, started + Duration(1), met))) {
        return false;
    }
    return is_covered(client.life.node, client.life.begun) &&
           is_covered(client.node, client.joined);
}

void Model::check_nothing_vanished(Time now) {
    std::map<std::string, std::vector<ClientId>> by_topic;
    for (const auto& [id, message] : messages_) {
        if (message.published + travel > now || !is_up(message.node, message.incarnation)) continue;
        const auto [it, is_new] = by_topic.try_emplace(message.topic);
        if (is_new) it->second = clients_of(message.topic);
        for (const ClientId client_id : it->second) {
            const Client& client = clients_.at(client_id);
            if (client.gone != never || !is_up(client.node, client.incarnation)) continue;
            if (!is_promised(client, message)) continue;
            ++owed_;
            owed_to_returned_ += message.published <= client.joined;
            if (client.life.heard.contains(id)) continue;
            if (is_in_gap(client, message)) {
                ++excused_;
                continue;
            }
            breach(name(client_id) + " on node " + std::to_string(client.node) + ": message " +
                   std::to_string(id) + " of node " + std::to_string(message.node) + " (" +
                   message.stream.origin + "/" + std::to_string(message.number) + ") has vanished");
        }
    }
}

}  // namespace roost::sim
