#include "tests/sim/cluster.hpp"

#include <deque>

#include "tests/sim/cluster_node.hpp"

namespace roost::sim {

namespace {

std::string name(std::size_t node) {
    return "node" + std::to_string(node);
}

std::string text(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) +
           " ms";
}

}  // namespace

Cluster::Cluster(ClusterConfig config)
    : config_(std::move(config)), network_({config_.nodes, config_.seed, config_.high_water}) {
    network_.on_trouble = [this](Trouble trouble, std::size_t from, std::size_t to) {
        on_trouble(trouble, from, to);
    };
    if (is_traced()) {
        network_.on_send = [this](Lane lane, std::size_t from, std::size_t to,
                                  std::string_view bytes) { tell_sent(lane, from, to, bytes); };
    }
    nodes_.resize(config_.nodes);
    for (std::size_t node = 0; node < config_.nodes; ++node) start(node);
}

Cluster::~Cluster() = default;

void Cluster::run_for(Duration duration) {
    network_.run_until(now() + duration, [this](std::size_t node) {
        if (nodes_[node]) nodes_[node]->end_turn();
    });
}

void Cluster::tell(const std::string& who, const std::string& what) const {
    if (is_traced()) config_.trace(now(), who, what);
}

// Of what nodes say to each other only what is rare: the rest would hide it.
void Cluster::tell_sent(Lane lane, std::size_t from, std::size_t to, std::string_view bytes) const {
    if (lane != Lane::calls && lane != Lane::answers) return;
    const auto kind = kind_of(bytes);
    if (kind == "hello" || kind == "welcome") return;
    tell(name(from), "sends " + std::string(kind) + " to " + name(to) + ", " +
                         std::to_string(bytes.size()) + " bytes");
}

bool Cluster::is_linked(std::size_t a, std::size_t b) const {
    return is_running(a) && is_running(b) && network_.is_clear(a, b);
}

void Cluster::disturb_all(std::size_t node) {
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        model_.on_disturbed(node, other, is_linked(node, other), now());
    }
}

void Cluster::on_trouble(Trouble trouble, std::size_t from, std::size_t to) {
    if (is_traced()) {
        tell(name(from), (trouble == Trouble::dropped ? "drops a message for "
                                                      : "loses the connection to its listener ") +
                             name(to));
    }
    model_.on_disturbed(from, to, is_linked(from, to), now());
}

void Cluster::start(std::size_t id) {
    tell(name(id), "starts");
    nodes_[id] = std::make_unique<Node>(*this, id, config_.rules);
    Node& node = *nodes_[id];
    const Incarnation incarnation = ++last_incarnation_;
    GroupConfig config;
    config.name = name(id);
    config.incarnation = incarnation;
    config.router_port = 7370;
    config.pub_port = 7371;
    config.beacon = config_.has_beacon;
    if (!config_.has_beacon && id != 0) config.peers = {router_of(0)};
    network_.start(id, node.ends());
    node.hub = std::make_unique<Hub>(Origin{incarnation, 0}, node.rules, HubLimits{}, node, node);
    node.group = std::make_unique<Group>(config, node, node.now());
    model_.on_started(id);
    disturb_all(id);
    network_.at(id, now() + Duration(network_.random(50'000)), [&node] { node.tick(); });
}

void Cluster::crash(std::size_t id) {
    tell(name(id), "crashes");
    network_.stop(id);
    nodes_[id].reset();
    for (ClientId client = 0; client < clients_.size(); ++client) {
        if (clients_[client].node != id || !clients_[client].is_open) continue;
        clients_[client].is_open = clients_[client].is_joined = false;
        model_.on_gone(client, now());
    }
    model_.on_stopped(id);
    disturb_all(id);
}

void Cluster::leave(std::size_t id) {
    tell(name(id), "leaves");
    nodes_[id]->group->say_goodbye();
    run_for(std::chrono::milliseconds(50));  // what it has said still leaves
    crash(id);
}

void Cluster::cut(std::size_t a, std::size_t b) {
    tell(name(a), "is cut from " + name(b));
    network_.cut(a, b);
    model_.on_disturbed(a, b, false, now());
}

void Cluster::heal(std::size_t a, std::size_t b) {
    if (!network_.is_cut(a, b)) return;
    tell(name(a), "can reach " + name(b) + " again");
    network_.heal(a, b);
    model_.on_disturbed(a, b, is_linked(a, b), now());
}

void Cluster::cut_one_way(std::size_t from, std::size_t to) {
    tell(name(from), "is cut one way from " + name(to));
    network_.cut_one_way(from, to);
    model_.on_disturbed(from, to, false, now());
}

void Cluster::heal_one_way(std::size_t from, std::size_t to) {
    if (!network_.is_cut_one_way(from, to)) return;
    tell(name(from), "reaches " + name(to) + " again");
    network_.heal_one_way(from, to);
    model_.on_disturbed(from, to, is_linked(from, to), now());
}

void Cluster::flap(std::size_t listener, std::size_t publisher, Duration delay) {
    tell(name(listener),
         "loses its connection to what " + name(publisher) + " publishes, for " + text(delay));
    network_.flap_subscriber(listener, publisher, delay);
}

void Cluster::flap_caller(std::size_t caller, std::size_t target, Duration delay) {
    tell(name(caller), "loses its calls to " + name(target) + ", for " + text(delay));
    network_.flap_caller(caller, target, delay);
}

void Cluster::slow(std::size_t a, std::size_t b, Duration delay) {
    tell(name(a), "is " + text(delay) + " away from " + name(b));
    network_.slow(a, b, delay);
    model_.on_disturbed(a, b, is_linked(a, b), now());
}

void Cluster::pause(std::size_t id, Duration duration) {
    if (!is_awake(id)) return;
    tell(name(id), "stands still for " + text(duration));
    network_.pause(id);
    disturb_all(id);
    network_.at(now() + duration, [this, id, alive = nodes_[id]->group->config().incarnation] {
        if (!is_running(id) || nodes_[id]->group->config().incarnation != alive) return;
        tell(name(id), "goes on");
        network_.go_on(id);
        for (std::size_t other = 0; other < nodes_.size(); ++other) {
            const bool is_clear = is_awake(other) && !network_.is_cut(id, other) &&
                                  !network_.is_cut_one_way(id, other) &&
                                  !network_.is_cut_one_way(other, id);
            model_.on_disturbed(id, other, is_clear, now());
        }
    });
}

void Cluster::jump(std::size_t id, Duration forward) {
    if (!is_running(id)) return;
    tell(name(id), "has a clock that jumps by " + text(forward));
    nodes_[id]->clock_ahead += forward;
    disturb_all(id);
}

void Cluster::heal_all() {
    for (std::size_t a = 0; a < nodes_.size(); ++a) {
        if (!is_running(a)) start(a);
        for (std::size_t b = 0; b < nodes_.size(); ++b) {
            if (a == b) continue;
            heal(a, b);
            heal_one_way(a, b);
            if (network_.delay(a, b) != Duration{}) slow(a, b, Duration{});
        }
    }
}

std::set<std::size_t> Cluster::up_as_seen_by(std::size_t id) const {
    std::set<std::size_t> up;
    for (const auto& row : nodes_[id]->group->nodes(nodes_[id]->now())) {
        if (row.state == "up") up.insert(std::stoul(row.name.substr(4)));
    }
    return up;
}

const Group& Cluster::group(std::size_t node) const {
    return *nodes_[node]->group;
}

void Cluster::want(std::size_t node, Bucket bucket) {
    nodes_[node]->group->on_want(0, bucket, 1);
}

}  // namespace roost::sim
