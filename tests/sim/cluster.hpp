// cluster: a group of nodes of the real core, with clients, on the simulated network.
#pragma once

#include <memory>
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
    bool has_beacon = false;
    // Without beacons each node but the first knows the first.
};

class Cluster {
public:
    explicit Cluster(const ClusterConfig& config);
    ~Cluster();

    Network& network() { return network_; }
    Model& model() { return model_; }
    Time now() const { return network_.now(); }
    void run_for(Duration duration);

    void start(std::size_t node);
    void crash(std::size_t node);
    void leave(std::size_t node);
    bool is_running(std::size_t node) const { return nodes_[node] != nullptr; }
    void cut(std::size_t a, std::size_t b);
    void heal(std::size_t a, std::size_t b);

    // A client that is asked to join; the model learns of it when the reply comes.
    ClientId join(std::size_t node, const std::string& topic);
    void close(ClientId client);
    // False if its node is gone or it has no reply yet.
    bool publish(ClientId client);
    bool is_joined(ClientId client) const { return clients_[client].is_joined; }

    // Whom a node sees up.
    std::set<std::size_t> up_as_seen_by(std::size_t node) const;
    const Group& group(std::size_t node) const;

private:
    struct Node;
    struct Client {
        std::size_t node = 0;
        SocketId socket = 0;
        std::string topic;
        bool is_open = false;
        bool is_joined = false;
    };

    void on_bytes(std::size_t node, SocketId socket, std::string_view bytes);
    void on_frame(ClientId client, std::string_view frame);
    void settle();

    ClusterConfig config_;
    Network network_;
    Model model_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<Client> clients_;
    std::uint64_t last_message_ = 0;
    Incarnation last_incarnation_ = 0;
};

}  // namespace roost::sim
