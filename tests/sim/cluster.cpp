#include "tests/sim/cluster.hpp"

#include "proto/big_endian.hpp"
#include "proto/json.hpp"
#include "tests/sim/cluster_node.hpp"

namespace roost::sim {

namespace {

// Of a text that the core has written itself.
std::uint64_t number_behind(std::string_view text, std::string_view key) {
    const auto at = text.find(key);
    return at == std::string_view::npos ? 0
                                        : std::stoull(std::string(text.substr(at + key.size())));
}

std::string text_of(JoinKind kind, const Positions& positions) {
    return kind == JoinKind::plain ? "{}" : R"({"since":)" + positions_json(positions) + "}";
}

std::string seconds(Time time) {
    const std::string digits = std::to_string(time.time_since_epoch().count() + 10'000'000'000);
    return digits.substr(1, digits.size() - 7) + "." + digits.substr(digits.size() - 6);
}

}  // namespace

Cluster::Cluster(const ClusterConfig& config)
    : config_(config), network_({config.nodes, config.seed, config.high_water}) {
    nodes_.resize(config.nodes);
    sockets_.resize(config.nodes);
    network_.on_trouble = [this](Trouble trouble, std::size_t from, std::size_t to) {
        if (trace_) {
            tell(std::to_string(from) + " -> " + std::to_string(to) +
                 (trouble == Trouble::dropped ? ": a message is dropped" : ": connection broken"));
        }
        disturb(from, to);
    };
    for (std::size_t node = 0; node < config.nodes; ++node) start(node);
}

Cluster::~Cluster() = default;

void Cluster::set_trace(std::function<void(const std::string&)> trace) {
    trace_ = std::move(trace);
    network_.on_send = [this](Lane lane, std::size_t from, std::size_t to, std::string_view bytes) {
        if (lane != Lane::calls && lane != Lane::answers) return;
        const auto message = group::decode_directed(bytes);
        if (!message) return;
        static constexpr std::array names = {"hello",    "welcome", "refusal",  "other version",
                                             "where",    "marks",   "repair",   "repaired",
                                             "history?", "history", "broadcast"};
        std::string what = names.at(message->index());
        if (const auto* broadcast = std::get_if<BroadcastRef>(&*message)) {
            what += " " + (*broadcast)->position();
        }
        if (what == "hello" || what == "welcome") return;
        tell(std::to_string(from) + " -> " + std::to_string(to) + ": " + what);
    };
}

void Cluster::tell(const std::string& line) {
    if (trace_) trace_(seconds(now()) + "  " + line);
}

void Cluster::settle(std::size_t node) {
    if (node != Network::nobody && nodes_[node]) nodes_[node]->end_turn();
}

void Cluster::run_for(Duration duration) {
    network_.run_until(now() + duration, [this](std::size_t node) { settle(node); });
}

void Cluster::disturb(std::size_t a, std::size_t b) {
    const bool is_linked = network_.is_clear(a, b) && is_running(a) && is_running(b);
    model_.on_disturbed(a, b, is_linked, now());
}

void Cluster::disturb_all(std::size_t node, bool is_linked) {
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        model_.on_disturbed(node, other, is_linked && network_.is_clear(node, other), now());
    }
}

void Cluster::start(std::size_t id) {
    tell("node " + std::to_string(id) + " starts");
    nodes_[id] = std::make_unique<Node>(*this, id);
    Node& node = *nodes_[id];
    const Incarnation incarnation = ++last_incarnation_;
    GroupConfig config;
    config.name = "node" + std::to_string(id);
    config.incarnation = incarnation;
    config.router_port = 7370;
    config.pub_port = 7371;
    config.beacon = config_.has_beacon;
    config.rules = node.rules;
    config.repair_wait = config_.repair_wait;
    config.repair_buffer = config_.repair_buffer;
    if (!config_.has_beacon && id != 0) config.peers = {router_of(0)};
    network_.start(id, node.ends());
    node.hub = std::make_unique<Hub>(Origin{incarnation, 0}, node.rules, HubLimits{}, node, node);
    node.group = std::make_unique<Group>(config, node, node.now());
    model_.on_started(id, now());
    disturb_all(id, true);
    auto tick = std::make_shared<std::function<void()>>();
    *tick = [this, id, weak = std::weak_ptr(tick)] {
        Node& alive = *nodes_[id];
        alive.group->tick(alive.now());
        alive.hub->tick(alive.now());
        const auto self = weak.lock();
        network_.at(id, now() + std::chrono::milliseconds(50), [self] { (*self)(); });
    };
    network_.at(id, now() + Duration(network_.random(50'000)), [tick] { (*tick)(); });
}

void Cluster::crash(std::size_t id) {
    tell("node " + std::to_string(id) + " dies");
    network_.stop(id);
    nodes_[id].reset();
    for (ClientId client = 0; client < clients_.size(); ++client) {
        if (clients_[client].node != id || !clients_[client].is_open) continue;
        clients_[client].is_open = clients_[client].is_joined = false;
        model_.on_gone(client, now());
    }
    sockets_[id].clear();
    model_.on_stopped(id);
    disturb_all(id, false);
}

void Cluster::leave(std::size_t id) {
    nodes_[id]->group->say_goodbye();
    run_for(std::chrono::milliseconds(50));  // what it has said still leaves
    crash(id);
}

void Cluster::cut(std::size_t a, std::size_t b) {
    tell("cut " + std::to_string(a) + " - " + std::to_string(b));
    network_.cut(a, b);
    disturb(a, b);
}

void Cluster::heal(std::size_t a, std::size_t b) {
    if (!network_.is_cut(a, b)) return;
    tell("heal " + std::to_string(a) + " - " + std::to_string(b));
    network_.heal(a, b);
    disturb(a, b);
}

void Cluster::cut_one_way(std::size_t from, std::size_t to) {
    tell("cut " + std::to_string(from) + " -> " + std::to_string(to));
    network_.cut_one_way(from, to);
    disturb(from, to);
}

void Cluster::heal_one_way(std::size_t from, std::size_t to) {
    if (!network_.is_cut_one_way(from, to)) return;
    tell("heal " + std::to_string(from) + " -> " + std::to_string(to));
    network_.heal_one_way(from, to);
    disturb(from, to);
}

void Cluster::pause(std::size_t id) {
    tell("node " + std::to_string(id) + " stands still");
    network_.pause(id);
    disturb_all(id, false);
}

void Cluster::go_on(std::size_t id) {
    if (!network_.is_paused(id)) return;
    tell("node " + std::to_string(id) + " goes on");
    network_.go_on(id);
    network_.at(now(), [this, id] { disturb_all(id, is_running(id)); });
}

void Cluster::jump(std::size_t id, Duration ahead) {
    if (!nodes_[id]) return;
    tell("the clock of node " + std::to_string(id) + " jumps");
    nodes_[id]->clock_ahead += ahead;
    disturb_all(id, true);
}

ClientId Cluster::join(std::size_t node, const std::string& topic, JoinKind kind) {
    const auto id = static_cast<ClientId>(clients_.size());
    clients_.push_back({node, 0, topic, kind, false, false, false, {}});
    open(id, node);
    return id;
}

void Cluster::open(ClientId id, std::size_t node) {
    Client& client = clients_[id];
    client.node = node;
    client.socket = nodes_[node]->hub->on_open(Wire::v2, nodes_[node]->now());
    client.is_open = true;
    client.is_deaf = false;
    sockets_[node][client.socket] = id;
    tell("client " + std::to_string(id) + " joins " + client.topic + " on node " +
         std::to_string(node));
    nodes_[node]->hub->on_text(client.socket,
                               R"(["1","1",")" + client.topic + R"(","phx_join",)" +
                                   text_of(client.kind, client.positions) + "]",
                               nodes_[node]->now());
    settle(node);
}

void Cluster::deafen(ClientId id) {
    if (!clients_[id].is_joined) return;
    tell("client " + std::to_string(id) + " reads no more");
    clients_[id].is_deaf = true;
    clients_[id].is_joined = false;
    model_.on_gone(id, now());
}

void Cluster::close(ClientId id) {
    Client& client = clients_[id];
    if (!client.is_open) return;
    tell("client " + std::to_string(id) + " goes");
    client.is_open = client.is_joined = false;
    model_.on_gone(id, now());
    sockets_[client.node].erase(client.socket);
    nodes_[client.node]->hub->on_close(client.socket);
    settle(client.node);
}

void Cluster::come_back(ClientId id, std::size_t node) {
    if (clients_[id].is_open || !has_positions(id)) return;
    ++returns_;
    open(id, node);
}

bool Cluster::publish(ClientId id) {
    if (!clients_[id].is_joined || network_.is_paused(clients_[id].node)) return false;
    const Client& client = clients_[id];
    const auto message = ++last_message_;
    if (trace_) tell("client " + std::to_string(id) + " publishes " + std::to_string(message));
    model_.on_published(message, id, client.node, client.topic, now());
    nodes_[client.node]->hub->on_text(
        client.socket,
        R"(["1","2",")" + client.topic + R"(","say",{"id":)" + std::to_string(message) + "}]",
        nodes_[client.node]->now());
    settle(client.node);
    return true;
}

void Cluster::on_numbered(const Broadcast& broadcast) {
    model_.on_numbered(number_behind(broadcast.payload(), R"({"id":)"),
                       {origin_text(broadcast.origin()), broadcast.bucket()}, broadcast.number());
}

void Cluster::on_bytes(std::size_t node, SocketId socket, std::string_view bytes) {
    const auto found = sockets_[node].find(socket);
    if (found == sockets_[node].end()) return;
    const ClientId client = found->second;
    while (!bytes.empty()) {
        const auto length = static_cast<unsigned char>(bytes[1]);
        const bool is_ping = static_cast<unsigned char>(bytes[0]) == 0x89;
        const std::size_t head = length < 126 ? 2 : 4;
        const std::size_t size =
            length < 126 ? length : read_big_endian<std::uint16_t>(bytes.data() + 2);
        if (is_ping) {
            on_ping(node, socket);
        } else if (!clients_[client].is_deaf) {
            on_frame(client, bytes.substr(head, size));
        }
        bytes.remove_prefix(head + size);
    }
}

void Cluster::on_ping(std::size_t node, SocketId socket) {
    network_.at(node, now() + std::chrono::milliseconds(1), [this, node, socket] {
        if (sockets_[node].contains(socket)) {
            nodes_[node]->hub->on_pong(socket, nodes_[node]->now());
        }
    });
}

void Cluster::on_closed(std::size_t node, SocketId socket) {
    const auto found = sockets_[node].find(socket);
    if (found == sockets_[node].end()) return;
    const ClientId id = found->second;
    tell("client " + std::to_string(id) + " is closed");
    clients_[id].is_open = clients_[id].is_joined = false;
    model_.on_gone(id, now());
    sockets_[node].erase(found);
    network_.at(node, now(), [this, node, socket] { nodes_[node]->hub->on_close(socket); });
}

void Cluster::on_frame(ClientId id, std::string_view frame) {
    Client& client = clients_[id];
    JsonReader reader;
    const auto array = reader.slice_array(frame);
    if (!array || array->size != 5) return model_.breach("a frame that is none");
    const auto& [join_ref, ref, topic, event, payload] = array->elements;
    if (event == R"("phx_reply")") {
        if (ref == R"("1")") on_reply(id, *member(payload, "response"));
        return;
    }
    StreamName stream{{}, bucket_of(client.topic)};
    std::uint64_t number = 0;
    if (is_json_string(ref)) {
        const std::string position(ref.substr(1, ref.size() - 2));
        stream.origin = position.substr(0, position.find('/'));
        number = std::stoull(position.substr(position.find('/') + 1));
        client.positions[*parse_origin(stream.origin)] = number;
    }
    if (event == R"("roost:gap")") {
        model_.on_gap(id, stream, number_behind(payload, R"("from":)"),
                      number_behind(payload, R"("to":)"), now());
        return tell("client " + std::to_string(id) + " is told a gap");
    }
    if (event == R"("roost:duplicate")") return;
    const auto message = number_behind(payload, R"({"id":)");
    if (trace_) tell("client " + std::to_string(id) + " hears " + std::to_string(message));
    if (number > 0) model_.on_position(id, stream, number, now());
    model_.on_heard(id, message, now());
}

void Cluster::on_reply(ClientId id, std::string_view response) {
    Client& client = clients_[id];
    client.is_joined = true;
    bool is_recovered = true;
    if (client.kind == JoinKind::positioned) {
        is_recovered = *member(response, "recovered") == "true";
        recovered_ += is_recovered && !client.positions.empty();
        client.positions.clear();
        for_each_member(
            *member(response, "positions"), [&](std::string_view origin, std::string_view number) {
                client.positions[*parse_origin(origin)] = std::stoull(std::string(number));
                return true;
            });
    }
    tell("client " + std::to_string(id) + " has joined" + (is_recovered ? "" : ", not recovered"));
    model_.on_joined(id, client.node, client.topic, is_recovered, now());
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
    nodes_[node]->want(bucket, 1);
}

}  // namespace roost::sim
