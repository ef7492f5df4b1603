#include "tests/sim/network.hpp"

namespace roost::sim {

namespace {
constexpr std::uint64_t delay_us_max = 20'000;
constexpr std::uint64_t reconnect_us_max = 1'000'000;
}  // namespace

void Network::note(std::string_view bytes) {
    for (const char c : bytes)
        history_ = (history_ ^ static_cast<unsigned char>(c)) * 1099511628211;
}

void Network::at(Time time, std::function<void()> what) {
    events_.push({time, ++last_serial_, std::move(what)});
}

void Network::run_until(Time end, const std::function<void()>& after_each) {
    while (!events_.empty() && events_.top().time <= end) {
        const Event event = events_.top();
        events_.pop();
        now_ = event.time;
        event.what();
        after_each();
    }
    now_ = end;
}

void Network::start(std::size_t id, Ends ends) {
    Node& node = nodes_[id];
    node = Node{};
    node.ends = std::move(ends);
    node.life = ++last_life_;
    // Others who had been connected to this address try again.
    for (auto& [other, listener] : nodes_) {
        if (listener.life != 0 && listener.publishers.contains(id)) connect_later(other, id);
    }
}

void Network::stop(std::size_t id) {
    for (auto& [other, node] : nodes_) {
        disconnect(other, id);
        disconnect(id, other);
    }
    nodes_[id] = Node{};
}

bool Network::is_cut(std::size_t a, std::size_t b) const {
    return cuts_.contains({std::min(a, b), std::max(a, b)});
}

void Network::cut(std::size_t a, std::size_t b) {
    cuts_.insert({std::min(a, b), std::max(a, b)});
    disconnect(a, b);
    disconnect(b, a);
}

void Network::heal(std::size_t a, std::size_t b) {
    if (cuts_.erase({std::min(a, b), std::max(a, b)}) == 0) return;
    if (nodes_[a].publishers.contains(b)) connect_later(a, b);
    if (nodes_[b].publishers.contains(a)) connect_later(b, a);
}

void Network::send(std::size_t from, std::size_t to, std::function<void(Node&)> what) {
    if (is_cut(from, to)) return;
    Time& last = last_arrival_[{from, to}];
    const Time arrival = std::max(last, now_ + Duration(1 + random(delay_us_max)));
    last = arrival;
    const auto life_from = nodes_[from].life, life_to = nodes_[to].life;
    at(arrival, [this, from, to, life_from, life_to, what = std::move(what)] {
        // What a dead node had sent may still arrive; what a cut caught in flight does not.
        if (is_cut(from, to) || life_from == 0) return;
        Node& target = nodes_[to];
        if (target.life != 0 && target.life == life_to) what(target);
    });
}

void Network::connect_later(std::size_t node, std::size_t publisher) {
    const auto life = nodes_[node].life;
    at(now_ + Duration(1 + random(reconnect_us_max)), [this, node, publisher, life] {
        if (nodes_[node].life == life && nodes_[node].publishers.contains(publisher)) {
            connect(node, publisher);
        }
    });
}

void Network::connect(std::size_t node, std::size_t publisher) {
    if (is_cut(node, publisher) || nodes_[publisher].life == 0) return;
    if (nodes_[publisher].pipes.contains(node)) return;
    nodes_[publisher].pipes[node];
    for (const auto& key : nodes_[node].subscriptions) {  // in byte order
        send(node, publisher, [this, node, key](Node& target) {
            const auto pipe = target.pipes.find(node);
            if (pipe == target.pipes.end()) return;
            pipe->second.insert(key);
            note(key);
            target.ends.on_subscription(key);
        });
    }
    nodes_[node].ends.on_link(publisher);
}

void Network::disconnect(std::size_t node, std::size_t publisher) {
    nodes_[publisher].pipes.erase(node);
    ++connection_[{node, publisher}];
}

void Network::listen_to(std::size_t node, std::size_t publisher) {
    if (nodes_[node].publishers.insert(publisher).second) connect_later(node, publisher);
}

void Network::stop_listening_to(std::size_t node, std::size_t publisher) {
    nodes_[node].publishers.erase(publisher);
    disconnect(node, publisher);
}

void Network::subscribe(std::size_t node, std::string_view key) {
    nodes_[node].subscriptions.emplace(key);
    for (const std::size_t publisher : nodes_[node].publishers) {
        const auto connection = connection_[{node, publisher}];
        if (!nodes_[publisher].pipes.contains(node)) continue;
        send(node, publisher,
             [this, node, publisher, connection, key = std::string(key)](Node& to) {
                 const auto pipe = to.pipes.find(node);
                 if (pipe == to.pipes.end() || connection_[{node, publisher}] != connection) return;
                 pipe->second.insert(key);
                 note(key);
                 to.ends.on_subscription(key);
             });
    }
}

void Network::unsubscribe(std::size_t node, std::string_view key) {
    const auto found = nodes_[node].subscriptions.find(key);
    if (found != nodes_[node].subscriptions.end()) nodes_[node].subscriptions.erase(found);
    for (const std::size_t publisher : nodes_[node].publishers) {
        send(node, publisher, [node, key = std::string(key)](Node& to) {
            const auto pipe = to.pipes.find(node);
            if (pipe != to.pipes.end()) pipe->second.erase(key);
        });
    }
}

void Network::publish(std::size_t node, std::string_view bytes) {
    for (const auto& [listener, keys] : nodes_[node].pipes) {
        const bool is_wanted = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
            return bytes.starts_with(key);
        });
        if (!is_wanted) continue;
        const Link link{listener, node};
        const auto connection = connection_[link];
        send(node, listener, [this, link, connection, bytes = std::string(bytes)](Node& to) {
            if (connection_[link] != connection) return;
            note(bytes);
            to.ends.on_published(bytes);
        });
    }
}

bool Network::call(std::size_t node, unsigned contact, std::size_t target, std::string_view bytes) {
    if (is_cut(node, target) || nodes_[target].life == 0) return false;
    const std::string route = std::to_string(node) + "/" + std::to_string(contact);
    send(node, target, [this, node, route, bytes = std::string(bytes)](Node& to) {
        note(bytes);
        to.ends.on_call(route, node, bytes);
    });
    return true;
}

void Network::answer(std::size_t node, const std::string& route, std::string_view bytes) {
    const auto slash = route.find('/');
    const std::size_t target = std::stoul(route.substr(0, slash));
    const auto contact = static_cast<unsigned>(std::stoul(route.substr(slash + 1)));
    send(node, target, [this, contact, bytes = std::string(bytes)](Node& to) {
        note(bytes);
        to.ends.on_answer(contact, bytes);
    });
}

void Network::beacon(std::size_t node, std::string_view bytes) {
    for (const auto& [other, state] : nodes_) {
        if (other == node || random(5) == 0) continue;  // datagrams get lost
        send(node, other,
             [node, bytes = std::string(bytes)](Node& to) { to.ends.on_beacon(node, bytes); });
    }
}

}  // namespace roost::sim
