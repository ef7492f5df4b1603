#include "tests/sim/network.hpp"

#include <algorithm>

namespace roost::sim {

namespace {

constexpr std::uint64_t reconnect_us_max = 1'000'000;
// The links' heartbeats: each second, given up after three without an answer.
constexpr Duration link_timeout = std::chrono::seconds(3);
constexpr std::uint64_t link_heartbeat_us = 1'000'000;

std::pair<std::size_t, std::size_t> pair_of(std::size_t a, std::size_t b) {
    return {std::min(a, b), std::max(a, b)};
}

}  // namespace

Network::Network(const NetworkConfig& config)
    : config_(config),
      random_(config.seed),
      nodes_(config.nodes),
      links_(config.nodes * config.nodes) {
    for (Node& node : nodes_) node.pipes.resize(config.nodes);
}

void Network::start(std::size_t id, Ends ends) {
    Node& node = nodes_[id];
    node = Node{};
    node.ends = std::move(ends);
    node.life = ++last_life_;
    node.pipes.resize(nodes_.size());
    // Others who had been connected to this address try again.
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (is_running(other) && nodes_[other].publishers.contains(id)) connect_later(other, id);
    }
}

void Network::stop(std::size_t id) {
    // The system still sends what the process had given it, or the machine itself is gone.
    const bool has_last_words = random(2) == 0;
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (other == id) continue;
        for (Connection* own : {&link(id, other).subscriber, &link(id, other).caller,
                                &link(other, id).subscriber, &link(other, id).caller}) {
            own->last_words = has_last_words ? own->serial : 0;
        }
        break_all(id, other);
    }
    nodes_[id] = Node{};
    nodes_[id].pipes.resize(nodes_.size());
}

bool Network::is_cut(std::size_t a, std::size_t b) const {
    return cuts_.contains(pair_of(a, b));
}

void Network::cut(std::size_t a, std::size_t b) {
    if (!cuts_.insert(pair_of(a, b)).second) return;
    break_all(a, b);
}

void Network::heal(std::size_t a, std::size_t b) {
    if (cuts_.erase(pair_of(a, b)) > 0) reconnect_all(a, b);
}

bool Network::is_cut_one_way(std::size_t from, std::size_t to) const {
    return link(from, to).is_held;
}

void Network::cut_one_way(std::size_t from, std::size_t to) {
    Link& way = link(from, to);
    if (way.is_held) return;
    way.is_held = true;
    way.held_serial = ++last_trouble_;
    at(now_ + link_timeout + Duration(random(link_heartbeat_us)),
       [this, from, to, serial = way.held_serial] {
           if (link(from, to).is_held && link(from, to).held_serial == serial) break_all(from, to);
       });
}

void Network::heal_one_way(std::size_t from, std::size_t to) {
    Link& way = link(from, to);
    if (!way.is_held) return;
    way.is_held = false;
    // TCP tries again at growing intervals.
    at(to, now_ + Duration(1 + random(link_heartbeat_us)),
       [this, from, to] { release_held(from, to); });
    if (!is_running(to)) way.held.clear();
    reconnect_all(from, to);
}

void Network::flap_subscriber(std::size_t listener, std::size_t publisher, Duration delay) {
    break_subscriber(listener, publisher);
    connect_after(listener, publisher, delay);
}

void Network::flap_caller(std::size_t caller, std::size_t target, Duration delay) {
    break_caller(caller, target);
    link(caller, target).caller.ready = now_ + delay;
}

void Network::slow(std::size_t a, std::size_t b, Duration delay) {
    link(a, b).delay = link(b, a).delay = delay;
}

void Network::pause(std::size_t id) {
    Node& node = nodes_[id];
    if (node.is_paused || node.life == 0) return;
    node.is_paused = true;
    node.pause_serial = ++last_trouble_;
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (other == id) continue;
        at(now_ + link_timeout + Duration(random(link_heartbeat_us)),
           [this, id, other, serial = node.pause_serial] {
               if (!nodes_[id].is_paused || nodes_[id].pause_serial != serial) return;
               // The other side gives up. What had come to the machine before is read or not.
               if (random(2) == 0) keep_what_arrived(id, other);
               break_all(id, other);
           });
    }
}

void Network::go_on(std::size_t id) {
    if (!nodes_[id].is_paused) return;
    // All that has waited is one turn of its loop.
    at(now_, [this, id] {
        Node& node = nodes_[id];
        if (!node.is_paused) return;
        node.is_paused = false;
        at(id, now_, [this, waiting = std::exchange(node.waiting, {})]() mutable {
            for (auto& happening : waiting) {
                // A parcel that has waited here has come through its link already.
                if (auto* parcel = std::get_if<Parcel>(&happening)) {
                    reach_node(std::move(*parcel));
                } else {
                    act(std::move(std::get<Action>(happening)));
                }
            }
        });
        for (std::size_t other = 0; other < nodes_.size(); ++other) {
            if (other != id) reconnect_all(id, other);
        }
    });
}

void Network::keep_what_arrived(std::size_t node, std::size_t from) {
    for (auto& happening : nodes_[node].waiting) {
        auto* parcel = std::get_if<Parcel>(&happening);
        if (parcel && parcel->from == from) parcel->is_read = true;
    }
}

bool Network::can_connect(std::size_t a, std::size_t b) const {
    return is_running(a) && is_running(b) && is_clear(a, b);
}

bool Network::is_clear(std::size_t a, std::size_t b) const {
    return !is_cut(a, b) && !is_cut_one_way(a, b) && !is_cut_one_way(b, a) && !is_paused(a) &&
           !is_paused(b);
}

void Network::connect_later(std::size_t listener, std::size_t publisher) {
    connect_after(listener, publisher, Duration(1 + random(reconnect_us_max)));
}

void Network::connect_after(std::size_t listener, std::size_t publisher, Duration delay) {
    at(listener, now_ + delay, [this, listener, publisher] {
        if (nodes_[listener].publishers.contains(publisher)) connect(listener, publisher);
    });
}

void Network::reconnect_all(std::size_t a, std::size_t b) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
        if (nodes_[from].publishers.contains(to)) connect_later(from, to);
        Connection& caller = link(from, to).caller;
        if (!caller.is_up) caller.ready = now_ + Duration(1 + random(reconnect_us_max));
    }
}

void Network::connect(std::size_t listener, std::size_t publisher) {
    if (!can_connect(listener, publisher)) return;
    if (std::exchange(nodes_[publisher].pipes[listener].is_open, true)) return;
    Node& node = nodes_[listener];
    const auto connection = link(listener, publisher).subscriber.serial;
    node.batch.reset();
    // In byte order. What is sent at once arrives in a few pieces.
    std::shared_ptr<std::vector<Change>> piece;
    const auto leave = [&] {
        Parcel parcel{Lane::subscriptions, listener, publisher, 0, connection, 0, false, {}, {}};
        parcel.changes = std::exchange(piece, nullptr);
        send(std::move(parcel));
    };
    for (const auto& [key, id] : node.subscriptions) {
        if (!piece) piece = std::make_shared<std::vector<Change>>();
        piece->push_back({id, true});
        if (piece->size() > node.subscriptions.size() / 8) leave();
    }
    if (piece) leave();
    // The news comes beside the messages, not among them.
    at(listener, now_ + Duration(random(5'000)), [this, listener, publisher, connection] {
        if (link(listener, publisher).subscriber.serial != connection) return;
        nodes_[listener].ends.on_link(publisher);
    });
}

void Network::break_subscriber(std::size_t listener, std::size_t publisher) {
    ++link(listener, publisher).subscriber.serial;
    const Pipe pipe = std::exchange(nodes_[publisher].pipes[listener], Pipe{});
    if (!pipe.is_open) return;
    auto& listeners_of = nodes_[publisher].listeners_of;
    for (const KeyId key : pipe.long_keys) {
        listeners_of[key].erase(listener);
        if (listeners_of[key].empty()) listeners_of.erase(key);
    }
    if (on_trouble) on_trouble(Trouble::broken, publisher, listener);
}

void Network::break_caller(std::size_t caller, std::size_t target) {
    Connection& connection = link(caller, target).caller;
    ++connection.serial;
    connection.is_up = false;
    connection.ready = now_ + Duration(1 + random(reconnect_us_max));
}

void Network::break_all(std::size_t a, std::size_t b) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
        break_subscriber(from, to);
        break_caller(from, to);
        link(from, to).held.clear();
    }
}

bool Network::is_caller_up(std::size_t caller, std::size_t target) {
    Connection& connection = link(caller, target).caller;
    if (connection.is_up) return true;
    if (now_ < connection.ready || !can_connect(caller, target)) return false;
    return connection.is_up = true;
}

void Network::listen_to(std::size_t node, std::size_t publisher) {
    if (nodes_[node].publishers.insert(publisher).second) connect_later(node, publisher);
}

void Network::stop_listening_to(std::size_t node, std::size_t publisher) {
    nodes_[node].publishers.erase(publisher);
    break_subscriber(node, publisher);
}

}  // namespace roost::sim
