// cluster: a group of nodes of the real core, with clients, on the simulated network.
//
// What is done to it (cuts, crashes, pauses ...) is told to the model, so that the model knows what
// may be claimed. A trace, if one is set, tells all that happens in words.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/group.hpp"
#include "daemon/core/hub.hpp"
#include "tests/sim/model.hpp"
#include "tests/sim/network.hpp"

namespace roost::sim {

using Trace = std::function<void(Time now, const std::string& who, const std::string& what)>;

struct ClusterConfig {
    std::size_t nodes = 3;
    std::uint64_t seed = 1;
    bool has_beacon = false;
    // Without beacons each node but the first knows the first.
    std::size_t high_water = 20'000;
    bool has_positions = false;        // clients ask for positions when they join
    std::vector<std::string> rules{};  // as --rule; none: every topic is open
    Trace trace{};
};

class Cluster {
public:
    explicit Cluster(ClusterConfig config);
    ~Cluster();

    Network& network() { return network_; }
    Model& model() { return model_; }
    Time now() const { return network_.now(); }
    std::size_t size() const { return nodes_.size(); }
    void run_for(Duration duration);

    void start(std::size_t node);
    void crash(std::size_t node);
    void leave(std::size_t node);
    bool is_running(std::size_t node) const { return nodes_[node] != nullptr; }
    // Running, and not standing still.
    bool is_awake(std::size_t node) const { return is_running(node) && !network_.is_paused(node); }

    void cut(std::size_t a, std::size_t b);
    void heal(std::size_t a, std::size_t b);
    void cut_one_way(std::size_t from, std::size_t to);
    void heal_one_way(std::size_t from, std::size_t to);
    void flap(std::size_t listener, std::size_t publisher, Duration delay);
    void flap_caller(std::size_t caller, std::size_t target, Duration delay);
    void slow(std::size_t a, std::size_t b, Duration delay);
    // The node stands still, as after SIGSTOP, for so long.
    void pause(std::size_t node, Duration duration);
    // The node's own clock jumps forward.
    void jump(std::size_t node, Duration forward);
    // Everything that was done to links and nodes is over, and what is down is started.
    void heal_all();

    // A client that is asked to join; the model learns of it when the reply comes.
    ClientId join(std::size_t node, const std::string& topic);
    void close(ClientId client);
    // It reads no more, though nobody knows; to be closed later.
    void deafen(ClientId client);
    // A client that is away joins again, on any node, with the positions it has reached.
    void come_back(ClientId client, std::size_t node);
    // False if its node is gone or stands still, or it has no reply yet.
    bool publish(ClientId client);
    bool is_joined(ClientId client) const { return clients_[client].is_joined; }
    bool is_open(ClientId client) const { return clients_[client].is_open; }
    // Answers to returns that were recovered:true, and other answers to returns.
    std::size_t recovered() const { return recovered_; }
    std::size_t not_recovered() const { return not_recovered_; }

    // Whom a node sees up.
    std::set<std::size_t> up_as_seen_by(std::size_t node) const;
    const Group& group(std::size_t node) const;
    // A topic that the node wants without any client, for measurements of the group alone.
    void want(std::size_t node, Bucket bucket);

private:
    struct Node;
    struct Client {
        std::size_t node = 0;
        SocketId socket = 0;
        std::string topic;
        bool is_open = false;
        bool is_joined = false;
        bool is_deaf = false;
        bool has_been_joined = false;
        std::map<std::string, std::uint64_t> positions;
    };

    void open(ClientId client, std::size_t node);
    void on_closed(std::size_t node, SocketId socket);
    void on_bytes(std::size_t node, SocketId socket, std::string_view bytes);
    void on_frame(ClientId client, std::string_view frame);
    void on_reply(ClientId client, std::string_view frame);
    void on_message(ClientId client, std::string_view frame);
    void on_published(const Broadcast& broadcast);
    void on_trouble(Trouble trouble, std::size_t from, std::size_t to);
    void disturb_all(std::size_t node);
    bool is_linked(std::size_t a, std::size_t b) const;
    bool is_traced() const { return config_.trace != nullptr; }
    void tell(const std::string& who, const std::string& what) const;
    void tell_sent(Lane lane, std::size_t from, std::size_t to, std::string_view bytes) const;

    ClusterConfig config_;
    Network network_;
    Model model_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<Client> clients_;
    std::uint64_t last_message_ = 0;
    std::uint64_t publishing_ = 0;  // the message that a client is saying just now
    // As long on the wire as a real one.
    Incarnation last_incarnation_ = 0x4000'0000'0000'0000;
    std::size_t recovered_ = 0, not_recovered_ = 0;
};

}  // namespace roost::sim
