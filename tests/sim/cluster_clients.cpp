// The part of Cluster that knows its clients.
#include "proto/big_endian.hpp"
#include "tests/sim/cluster_node.hpp"

namespace roost::sim {

namespace {

constexpr ClientId no_client = UINT32_MAX;

// What follows `key` in the text, up to `end`; empty if the key is not there.
std::string_view after(std::string_view text, std::string_view key, std::string_view end) {
    const auto at = text.find(key);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + key.size());
    return text.substr(0, text.find_first_of(end));
}

std::uint64_t number_in(std::string_view text) {
    return text.empty() ? 0 : std::stoull(std::string(text));
}

// "origin":N, "origin":N
std::map<std::string, std::uint64_t> read_positions(std::string_view text) {
    std::map<std::string, std::uint64_t> positions;
    while (!text.empty()) {
        const auto origin = after(text, "\"", "\"");
        if (origin.empty()) break;
        text.remove_prefix(text.find(origin) + origin.size() + 1);
        positions[std::string(origin)] = number_in(after(text, ":", ","));
        text.remove_prefix(std::min(text.size(), text.find(',')));
    }
    return positions;
}

std::string write_positions(const std::map<std::string, std::uint64_t>& positions) {
    std::string text = "{";
    for (const auto& [origin, number] : positions) {
        if (text.size() > 1) text += ',';
        text += '"' + origin + "\":" + std::to_string(number);
    }
    return text + "}";
}

std::string name(ClientId client) {
    return "client" + std::to_string(client);
}

}  // namespace

void Cluster::open(ClientId id, std::size_t node_id) {
    Client& client = clients_[id];
    Node& node = *nodes_[node_id];
    client.node = node_id;
    client.socket = node.hub->on_open(node.now());
    client.is_open = true;
    client.is_joined = client.is_deaf = false;
    if (node.clients.size() <= client.socket) node.clients.resize(client.socket + 1, no_client);
    node.clients[client.socket] = id;
    const std::string params =
        config_.has_positions ? R"({"since":)" + write_positions(client.positions) + "}" : "{}";
    tell(name(id),
         "joins " + client.topic + " on node" + std::to_string(node_id) + " with " + params);
    node.hub->on_text(client.socket,
                      R"(["1","1",")" + client.topic + R"(","phx_join",)" + params + "]",
                      node.now());
    node.end_turn();
}

ClientId Cluster::join(std::size_t node, const std::string& topic) {
    const auto id = static_cast<ClientId>(clients_.size());
    clients_.emplace_back();
    clients_[id].topic = topic;
    open(id, node);
    return id;
}

void Cluster::come_back(ClientId id, std::size_t node) {
    if (!clients_[id].is_open) open(id, node);
}

void Cluster::deafen(ClientId id) {
    if (!clients_[id].is_open || clients_[id].is_deaf) return;
    tell(name(id), "reads no more");
    clients_[id].is_deaf = true;
    clients_[id].is_joined = false;
    model_.on_gone(id, now());
}

void Cluster::close(ClientId id) {
    Client& client = clients_[id];
    if (!client.is_open) return;
    tell(name(id), "closes");
    client.is_open = client.is_joined = false;
    model_.on_gone(id, now());
    // A node that stands still learns of it when it goes on.
    const auto socket = client.socket;
    Node& node = *nodes_[client.node];
    const auto tell_hub = [&node, socket] {
        node.clients[socket] = no_client;
        node.hub->on_close(socket);
    };
    if (!is_awake(client.node)) return network_.at(client.node, now(), tell_hub);
    tell_hub();
    node.end_turn();
}

void Cluster::on_closed(std::size_t node, SocketId socket) {
    const ClientId id = nodes_[node]->clients[socket];
    if (id == no_client) return;
    nodes_[node]->clients[socket] = no_client;
    nodes_[node]->hub->on_close(socket);
    if (!clients_[id].is_open || clients_[id].node != node || clients_[id].socket != socket) return;
    tell(name(id), "is closed by its node");
    clients_[id].is_open = clients_[id].is_joined = false;
    model_.on_gone(id, now());
}

bool Cluster::publish(ClientId id) {
    const Client& client = clients_[id];
    if (!client.is_joined || !is_awake(client.node)) return false;
    publishing_ = ++last_message_;
    if (is_traced())
        tell(name(id), "publishes " + std::to_string(publishing_) + " to " + client.topic +
                           " on node" + std::to_string(client.node));
    model_.on_published(publishing_, id, client.node, client.topic, now());
    Node& node = *nodes_[client.node];
    node.hub->on_text(
        client.socket,
        R"(["1","2",")" + client.topic + R"(","say",{"id":)" + std::to_string(publishing_) + "}]",
        node.now());
    publishing_ = 0;
    node.end_turn();
    return true;
}

void Cluster::on_published(const Broadcast& broadcast) {
    if (publishing_ == 0) return;
    const auto position = position_text(broadcast.origin(), broadcast.number());
    model_.on_numbered(publishing_, {position.substr(0, position.find('/')), broadcast.bucket()},
                       broadcast.number());
}

void Cluster::on_bytes(std::size_t node, SocketId socket, std::string_view bytes) {
    Node& at = *nodes_[node];
    const ClientId id = socket < at.clients.size() ? at.clients[socket] : no_client;
    if (id == no_client || clients_[id].node != node || clients_[id].socket != socket) return;
    while (!bytes.empty()) {
        const bool is_ping = (bytes[0] & 0x0f) == 9;
        const auto length = static_cast<unsigned char>(bytes[1]);
        const std::size_t head = length < 126 ? 2 : (length == 126 ? 4 : 10);
        const std::size_t size = length < 126    ? length
                                 : length == 126 ? read_big_endian<std::uint16_t>(bytes.data() + 2)
                                                 : read_big_endian<std::uint64_t>(bytes.data() + 2);
        if (is_ping) {
            network_.at(node, now(), [&at, socket] { at.hub->on_pong(socket, at.now()); });
        } else if (clients_[id].is_open && !clients_[id].is_deaf) {
            on_frame(id, bytes.substr(head, size));
        }
        bytes.remove_prefix(head + size);
    }
}

void Cluster::on_frame(ClientId id, std::string_view frame) {
    if (frame.starts_with(R"(["1","1",)")) return on_reply(id, frame);
    if (frame.starts_with("[null,")) on_message(id, frame);
}

void Cluster::on_reply(ClientId id, std::string_view frame) {
    Client& client = clients_[id];
    if (frame.find(R"("status":"ok")") == std::string_view::npos) {
        return model_.breach(name(id) + " was refused: " + std::string(frame));
    }
    const bool is_return = std::exchange(client.has_been_joined, true);
    const bool is_recovered = frame.find(R"("recovered":true)") != std::string_view::npos;
    if (is_return) ++(is_recovered ? recovered_ : not_recovered_);
    client.positions = read_positions(after(frame, R"("positions":{)", "}"));
    client.is_joined = true;
    tell(name(id), "is answered: " + std::string(frame));
    model_.on_joined(id, client.node, client.topic, is_recovered, now());
}

// [null,"origin/number" or null,topic,event,payload]
void Cluster::on_message(ClientId id, std::string_view frame) {
    Client& client = clients_[id];
    const auto at = frame.starts_with(R"([null,")") ? after(frame, R"([null,")", "\"") : "";
    const auto message = after(frame, R"({"id":)", ",}");
    const StreamName stream{std::string(at.substr(0, at.find('/'))), bucket_of(client.topic)};
    const auto number = at.empty() ? 0 : number_in(at.substr(at.find('/') + 1));
    if (!at.empty()) client.positions[stream.origin] = number;
    if (frame.find(R"("roost:gap")") != std::string_view::npos) {
        const auto from = number_in(after(frame, R"("from":)", ",}"));
        tell(name(id), "is told of a gap: " + stream.origin + "/" + std::to_string(from) + " to " +
                           std::to_string(number));
        return model_.on_gap(id, stream, from, number, now());
    }
    if (message.empty()) return;
    if (is_traced())
        tell(name(id),
             "hears " + std::string(message) + (at.empty() ? "" : " at " + std::string(at)));
    model_.on_heard(id, number_in(message), now());
    if (!at.empty()) model_.on_position(id, stream, number, now());
}

}  // namespace roost::sim
