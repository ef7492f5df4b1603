// cluster: a group of nodes of the real core, with clients, on the simulated network.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/group.hpp"
#include "daemon/core/hub.hpp"
#include "tests/sim/model.hpp"
#include "tests/sim/network.hpp"

namespace roost::sim {

struct ClusterConfig {
    std::size_t nodes = 3;
    std::uint64_t seed = 1;
    // Without beacons each node but the first knows the first.
    bool has_beacon = false;
    std::size_t high_water = 20'000;
    std::vector<Rule> rules = {};
    Duration repair_wait = std::chrono::seconds(5);
    std::size_t repair_buffer = 64'000'000;
};

// How a client joins: as any phoenix.js does, or with positions.
enum class JoinKind { plain, positioned };

class Cluster {
public:
    explicit Cluster(const ClusterConfig& config);
    ~Cluster();

    Network& network() { return network_; }
    Model& model() { return model_; }
    Time now() const { return network_.now(); }
    std::size_t size() const { return nodes_.size(); }
    void run_for(Duration duration);
    // Called with what happens, one line at a time.
    void set_trace(std::function<void(const std::string&)> trace);

    void start(std::size_t node);
    void crash(std::size_t node);
    void leave(std::size_t node);
    bool is_running(std::size_t node) const { return nodes_[node] != nullptr; }
    void cut(std::size_t a, std::size_t b);
    void heal(std::size_t a, std::size_t b);
    void cut_one_way(std::size_t from, std::size_t to);
    void heal_one_way(std::size_t from, std::size_t to);
    void pause(std::size_t node);
    void go_on(std::size_t node);
    // The node's clock goes ahead at once, as when a machine was suspended.
    void jump(std::size_t node, Duration ahead);

    // A client that is asked to join; the model learns of it when the reply comes.
    ClientId join(std::size_t node, const std::string& topic, JoinKind kind = JoinKind::plain);
    // It reads no more, though its node does not know: what comes until it is closed is lost.
    void deafen(ClientId client);
    // It goes offline. A client with positions may come back, on any node.
    void close(ClientId client);
    void come_back(ClientId client, std::size_t node);
    // False if its node is gone or it has no reply yet.
    bool publish(ClientId client);
    bool is_joined(ClientId client) const { return clients_[client].is_joined; }
    std::size_t home_of(ClientId client) const { return clients_[client].node; }
    bool is_open(ClientId client) const { return clients_[client].is_open; }
    bool has_positions(ClientId client) const {
        return clients_[client].kind == JoinKind::positioned;
    }
    std::size_t returns() const { return returns_; }
    std::size_t recovered() const { return recovered_; }

    // Whom a node sees up.
    std::set<std::size_t> up_as_seen_by(std::size_t node) const;
    const Group& group(std::size_t node) const;
    // The node wants a bucket without any client: for measurements of the group alone.
    void want(std::size_t node, Bucket bucket);

private:
    struct Node;
    struct Client {
        std::size_t node = 0;
        SocketId socket = 0;
        std::string topic;
        JoinKind kind = JoinKind::plain;
        bool is_open = false;
        bool is_joined = false;
        bool is_deaf = false;
        Positions positions;
    };

    void open(ClientId client, std::size_t node);
    void on_bytes(std::size_t node, SocketId socket, std::string_view bytes);
    void on_ping(std::size_t node, SocketId socket);
    void on_closed(std::size_t node, SocketId socket);
    void on_frame(ClientId client, std::string_view frame);
    void on_reply(ClientId client, std::string_view response);
    void on_numbered(const Broadcast& broadcast);
    void settle(std::size_t node);
    void disturb(std::size_t a, std::size_t b);
    void disturb_all(std::size_t node, bool is_linked);
    void tell(const std::string& line);

    ClusterConfig config_;
    Network network_;
    Model model_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<Client> clients_;
    std::vector<std::map<SocketId, ClientId>> sockets_;  // by node
    std::uint64_t last_message_ = 0;
    // As long on the wire as a real one.
    Incarnation last_incarnation_ = 0x4000'0000'0000'0000;
    std::size_t returns_ = 0, recovered_ = 0;
    std::function<void(const std::string&)> trace_;
};

}  // namespace roost::sim
