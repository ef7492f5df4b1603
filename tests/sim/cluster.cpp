#include "tests/sim/cluster.hpp"

#include <deque>

#include "proto/big_endian.hpp"

namespace roost::sim {

namespace {

Endpoint router_of(std::size_t node) {
    return {"10.0.0." + std::to_string(node), 7370};
}

std::size_t node_of(const Endpoint& endpoint) {
    return std::stoul(endpoint.host.substr(endpoint.host.rfind('.') + 1));
}

}  // namespace

// One node with one shard: hub and group, joined by calls that wait for the end of the event, as
// the queues between the loops of a real node do.
struct Cluster::Node final : HubOutlet, GroupOutlet, SocketSink {
    Cluster& cluster;
    std::size_t id;
    Rules rules{{}};
    std::deque<std::function<void()>> letters;
    std::map<ContactId, std::size_t> contacts;
    std::unique_ptr<Hub> hub;
    std::unique_ptr<Group> group;

    Node(Cluster& cluster_, std::size_t id_) : cluster(cluster_), id(id_) {}

    Network& net() { return cluster.network_; }
    void later(std::function<void()> letter) { letters.push_back(std::move(letter)); }

    void to_node(const BroadcastRef& message) override {
        later([this, message] { group->on_local(message); });
    }
    void want(Bucket bucket, Ticket ticket) override {
        later([=, this] { group->on_want(0, bucket, ticket); });
    }
    void release(Bucket bucket) override {
        later([=, this] { group->on_release(0, bucket, net().now()); });
    }
    void close(SocketId, CloseCode) override {}
    void note(const Fact&) override {}
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
    void answer(const std::string& route, std::string_view bytes) override {
        net().answer(id, route, bytes);
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
    void send_beacon(std::string_view bytes) override { net().beacon(id, bytes); }
    void to_holder(Holder, const BroadcastRef& message) override {
        later([this, message] { hub->on_broadcast(message); });
    }
    void live(Holder, Bucket bucket, Ticket ticket) override {
        later([=, this] { hub->on_live(bucket, ticket, net().now()); });
    }

    Ends ends() {
        Ends on;
        on.on_subscription = [this](std::string_view key) { group->on_subscription(key); };
        on.on_published = [this](std::string_view bytes) {
            group->on_published(bytes, net().now());
        };
        on.on_call = [this](const std::string& route, std::size_t from, std::string_view bytes) {
            group->on_call(route, router_of(from).host, bytes, net().now());
        };
        on.on_answer = [this](unsigned contact, std::string_view bytes) {
            group->on_answer(contact, bytes, net().now());
        };
        on.on_beacon = [this](std::size_t from, std::string_view bytes) {
            group->on_beacon(router_of(from).host, bytes, net().now());
        };
        on.on_link = [this](std::size_t from) {
            group->on_link({router_of(from).host, 7371}, net().now());
        };
        return on;
    }

    void end_turn() {
        while (!letters.empty()) {
            const auto letter = std::move(letters.front());
            letters.pop_front();
            letter();
        }
        group->end_of_turn(net().now());
        if (!letters.empty()) end_turn();
        hub->flush();
    }
};

Cluster::Cluster(const ClusterConfig& config) : config_(config), network_(config.seed) {
    nodes_.resize(config.nodes);
    for (std::size_t node = 0; node < config.nodes; ++node) start(node);
}

Cluster::~Cluster() = default;

void Cluster::settle() {
    for (const auto& node : nodes_) {
        if (node) node->end_turn();
    }
}

void Cluster::run_for(Duration duration) {
    network_.run_until(now() + duration, [this] { settle(); });
}

void Cluster::start(std::size_t id) {
    nodes_[id] = std::make_unique<Node>(*this, id);
    Node& node = *nodes_[id];
    const Incarnation incarnation = ++last_incarnation_;
    GroupConfig config;
    config.name = "node" + std::to_string(id);
    config.incarnation = incarnation;
    config.router_port = 7370;
    config.pub_port = 7371;
    config.beacon = config_.has_beacon;
    if (!config_.has_beacon && id != 0) config.peers = {router_of(0)};
    network_.start(id, node.ends());
    node.hub = std::make_unique<Hub>(Origin{incarnation, 0}, node.rules, HubLimits{}, node, node);
    node.group = std::make_unique<Group>(config, node, now());
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        model_.on_disturbed(id, other, !network_.is_cut(id, other), now());
    }
    // A timer of its own, that ends with this life.
    auto tick = std::make_shared<std::function<void()>>();
    *tick = [this, id, incarnation, weak = std::weak_ptr(tick)] {
        Node* alive = nodes_[id].get();
        if (!alive || alive->group->config().incarnation != incarnation) return;
        alive->group->tick(now());
        alive->hub->tick(now());
        if (const auto self = weak.lock()) {
            network_.at(now() + std::chrono::milliseconds(50), [self] { (*self)(); });
        }
    };
    network_.at(now() + Duration(network_.random(50'000)), [tick] { (*tick)(); });
}

void Cluster::crash(std::size_t id) {
    network_.stop(id);
    nodes_[id].reset();
    for (ClientId client = 0; client < clients_.size(); ++client) {
        if (clients_[client].node != id || !clients_[client].is_open) continue;
        clients_[client].is_open = clients_[client].is_joined = false;
        model_.on_gone(client, now());
    }
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        model_.on_disturbed(id, other, false, now());
    }
}

void Cluster::leave(std::size_t id) {
    nodes_[id]->group->say_goodbye();
    run_for(std::chrono::milliseconds(50));  // what it has said still leaves
    crash(id);
}

void Cluster::cut(std::size_t a, std::size_t b) {
    network_.cut(a, b);
    model_.on_disturbed(a, b, false, now());
}

void Cluster::heal(std::size_t a, std::size_t b) {
    if (!network_.is_cut(a, b)) return;
    network_.heal(a, b);
    model_.on_disturbed(a, b, is_running(a) && is_running(b), now());
}

ClientId Cluster::join(std::size_t id, const std::string& topic) {
    const auto client = static_cast<ClientId>(clients_.size());
    Hub& hub = *nodes_[id]->hub;
    clients_.push_back({id, hub.on_open(now()), topic, true, false});
    hub.on_text(clients_[client].socket, R"(["1","1",")" + topic + R"(","phx_join",{}])", now());
    settle();
    return client;
}

void Cluster::close(ClientId client) {
    if (!clients_[client].is_open) return;
    nodes_[clients_[client].node]->hub->on_close(clients_[client].socket);
    clients_[client].is_open = clients_[client].is_joined = false;
    model_.on_gone(client, now());
    settle();
}

bool Cluster::publish(ClientId client) {
    if (!clients_[client].is_joined) return false;
    const Client& publisher = clients_[client];
    const auto id = ++last_message_;
    model_.on_published(id, client, publisher.node, publisher.topic, now());
    nodes_[publisher.node]->hub->on_text(
        publisher.socket,
        R"(["1","2",")" + publisher.topic + R"(","say",{"id":)" + std::to_string(id) + "}]", now());
    settle();
    return true;
}

void Cluster::on_bytes(std::size_t node, SocketId socket, std::string_view bytes) {
    ClientId client = 0;
    while (client < clients_.size() &&
           !(clients_[client].is_open && clients_[client].node == node &&
             clients_[client].socket == socket)) {
        ++client;
    }
    if (client == clients_.size()) return;
    while (!bytes.empty()) {
        const auto length = static_cast<unsigned char>(bytes[1]);
        const std::size_t head = length < 126 ? 2 : 4;
        const std::size_t size =
            length < 126 ? length : read_big_endian<std::uint16_t>(bytes.data() + 2);
        on_frame(client, bytes.substr(head, size));
        bytes.remove_prefix(head + size);
    }
}

void Cluster::on_frame(ClientId id, std::string_view frame) {
    Client& client = clients_[id];
    if (frame.find(R"("1","1",)") != std::string_view::npos &&
        frame.find(R"("status":"ok")") != std::string_view::npos) {
        client.is_joined = true;
        model_.on_joined(id, client.node, client.topic, now());
    }
    const auto at = frame.find(R"({"id":)");
    if (at == std::string_view::npos) return;
    model_.on_heard(id, std::stoull(std::string(frame.substr(at + 6))), now());
}

std::set<std::size_t> Cluster::up_as_seen_by(std::size_t id) const {
    std::set<std::size_t> up;
    for (const auto& row : nodes_[id]->group->nodes(now())) {
        if (row.state == "up") up.insert(std::stoul(row.name.substr(4)));
    }
    return up;
}

const Group& Cluster::group(std::size_t node) const {
    return *nodes_[node]->group;
}

}  // namespace roost::sim
