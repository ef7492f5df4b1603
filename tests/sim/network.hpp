// network: a simulated network and clock for nodes of the real core.
//
// It promises what ZeroMQ over TCP promises and nothing more: in order on each connection, not
// between connections; lost when the connection breaks; lost beyond the high-water mark; deaf
// before a subscription has arrived; and, when a connection comes back, subscriptions sent again in
// byte order. Delays and losses come from one seed, so one seed is one history.
//
// A node that stands still processes nothing: what comes for it, and its own timers, wait until it
// goes on. A one-way cut holds up what is sent that way, as TCP does, which sends again; when it
// lasts longer than the links' heartbeats allow, the connections break in both directions.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/core/time.hpp"

namespace roost::sim {

// What a node does with what the network brings.
struct Ends {
    std::function<void(std::string_view key)> on_subscription;
    std::function<void(std::string_view bytes)> on_published;
    std::function<void(const std::string& route, std::size_t from, std::string_view bytes)> on_call;
    std::function<void(unsigned contact, std::string_view bytes)> on_answer;
    std::function<void(std::size_t from, std::string_view bytes)> on_beacon;
    std::function<void(std::size_t publisher)> on_link;
};

struct NetworkConfig {
    std::size_t nodes = 3;
    std::uint64_t seed = 1;
    // Messages on their way to one listener, beyond which a publisher drops what is for it.
    std::size_t high_water = 20'000;
};

enum class Lane : std::uint8_t { subscriptions, published, calls, answers, beacons };
enum class Trouble : std::uint8_t { dropped, broken };

class Network {
public:
    explicit Network(const NetworkConfig& config);

    static constexpr std::size_t nobody = SIZE_MAX;

    Time now() const { return now_; }
    void at(Time time, std::function<void()> what) { at(nobody, time, std::move(what)); }
    // A node's own timer: it waits while the node stands still, and ends with it.
    void at(std::size_t node, Time time, std::function<void()> what);
    // Runs what is due until then; `after_each` after every single event that concerned a node.
    void run_until(Time end, const std::function<void(std::size_t node)>& after_each);
    std::uint64_t random(std::uint64_t below) { return random_() % below; }
    // Everything that has been delivered so far, in one number.
    std::uint64_t history() const { return history_; }

    // For the one who watches.
    std::function<void(Trouble, std::size_t from, std::size_t to)> on_trouble;
    std::function<void(Lane, std::size_t from, std::size_t to, std::string_view bytes)> on_send;

    void start(std::size_t node, Ends ends);
    void stop(std::size_t node);

    void cut(std::size_t a, std::size_t b);
    void heal(std::size_t a, std::size_t b);
    bool is_cut(std::size_t a, std::size_t b) const;
    void cut_one_way(std::size_t from, std::size_t to);
    void heal_one_way(std::size_t from, std::size_t to);
    bool is_cut_one_way(std::size_t from, std::size_t to) const;
    // The SUB connection of a listener, or its DEALER to the other's ROUTER, breaks, and comes back
    // after the delay.
    void flap_subscriber(std::size_t listener, std::size_t publisher, Duration delay);
    void flap_caller(std::size_t caller, std::size_t target, Duration delay);
    // In both directions, on top of what a link takes anyway.
    void slow(std::size_t a, std::size_t b, Duration delay);
    void pause(std::size_t node);
    void go_on(std::size_t node);
    bool is_paused(std::size_t node) const { return nodes_[node].is_paused; }
    // Whether a message sent now may arrive in its time, in both directions.
    bool is_clear(std::size_t a, std::size_t b) const;

    // SUB of `node` to the XPUB of `publisher`.
    void listen_to(std::size_t node, std::size_t publisher);
    void stop_listening_to(std::size_t node, std::size_t publisher);
    void subscribe(std::size_t node, std::string_view key);
    void unsubscribe(std::size_t node, std::string_view key);
    void publish(std::size_t node, std::string_view bytes);
    // DEALER to ROUTER, and back. False if there is no connection.
    bool call(std::size_t node, unsigned contact, std::size_t target, std::string_view bytes);
    void answer(std::size_t node, const std::string& route, std::string_view bytes);
    void beacon(std::size_t node, std::string_view bytes);

private:
    using KeyId = std::uint32_t;
    struct Change {
        KeyId key;
        bool is_subscription;
    };
    struct Parcel {
        Lane lane{};
        std::size_t from = 0, to = 0;
        std::uint64_t life = 0;        // of the receiver
        std::uint64_t connection = 0;  // that it travels on
        unsigned contact = 0;
        bool is_read = false;  // it has arrived, whatever becomes of its connection
        std::shared_ptr<const std::string> bytes;
        std::shared_ptr<const std::vector<Change>> changes;
    };
    struct Action {
        std::size_t node = nobody;
        std::uint64_t life = 0;
        std::function<void()> what;
    };
    using Happening = std::variant<Action, Parcel>;
    struct Due {
        Time time;
        std::uint64_t serial;
        std::size_t slot;
        bool operator<(const Due& other) const {
            return other.time != time ? other.time < time : other.serial < serial;
        }
    };
    // One TCP connection, from the one who connects to the one who accepts.
    struct Connection {
        std::uint64_t serial = 1;
        bool is_up = false;
        Time ready{};
        // What a dead node had sent on its last one may still arrive.
        std::uint64_t last_words = 0;
    };
    struct Pipe {
        bool is_open = false;
        std::vector<KeyId> keys;       // sorted
        std::vector<KeyId> long_keys;  // that are also found by key
        std::size_t in_flight = 0;
        bool is_full = false;
    };
    struct Link {
        Connection subscriber, caller;
        std::array<Time, 5> last_arrival{};
        Duration delay{};
        bool is_held = false;  // a one-way cut
        std::uint64_t held_serial = 0;
        std::vector<Parcel> held;
    };
    struct Node {
        Ends ends;
        std::uint64_t life = 0;  // 0: not running
        std::multimap<std::string, KeyId, std::less<>> subscriptions;
        std::set<std::size_t> publishers;  // wants to listen to
        std::vector<Pipe> pipes;           // as a publisher, by listener
        // A long key is one listener's own: to be found without asking every pipe.
        std::unordered_map<KeyId, std::set<std::size_t>> listeners_of;
        bool is_paused = false;
        std::uint64_t pause_serial = 0;
        std::vector<Happening> waiting;  // while it stands still
        // Subscriptions made in the same instant may share a parcel when there are many.
        std::shared_ptr<std::vector<Change>> batch;
        Time burst_time{};
        std::size_t burst = 0;
    };

    Link& link(std::size_t from, std::size_t to) { return links_[from * nodes_.size() + to]; }
    const Link& link(std::size_t from, std::size_t to) const {
        return links_[from * nodes_.size() + to];
    }
    Connection& connection_of(const Parcel& parcel);
    bool is_running(std::size_t node) const { return nodes_[node].life != 0; }
    bool can_connect(std::size_t a, std::size_t b) const;

    // network_events.cpp: what happens when.
    void schedule(Time time, Happening happening);
    std::size_t happen(Happening happening);  // the node that was concerned, or nobody
    std::size_t act(Action action);
    void send(Parcel parcel);
    std::size_t arrive(Parcel parcel);
    std::size_t reach_node(Parcel parcel);
    void hand_over(Parcel& parcel);
    void free_place(const Parcel& parcel);
    void apply(std::size_t publisher, std::size_t listener, const Change& change);
    void publish_to(std::size_t publisher, std::size_t listener,
                    const std::shared_ptr<const std::string>& bytes);
    void release_held(std::size_t from, std::size_t to);
    void note(std::string_view bytes);

    void connect_later(std::size_t listener, std::size_t publisher);
    void connect_after(std::size_t listener, std::size_t publisher, Duration delay);
    void reconnect_all(std::size_t a, std::size_t b);
    void connect(std::size_t listener, std::size_t publisher);
    bool is_caller_up(std::size_t caller, std::size_t target);
    void break_subscriber(std::size_t listener, std::size_t publisher);
    void break_caller(std::size_t caller, std::size_t target);
    void break_all(std::size_t a, std::size_t b);
    void keep_what_arrived(std::size_t node, std::size_t from);
    void change(std::size_t node, std::string_view key, bool is_subscription);
    KeyId id_of(std::string_view key);

    NetworkConfig config_;
    std::mt19937_64 random_;
    Time now_{};
    std::uint64_t last_serial_ = 0, last_life_ = 0, last_trouble_ = 0;
    std::uint64_t history_ = 0;
    std::vector<Due> due_;  // a heap
    std::vector<Happening> slots_;
    std::vector<std::size_t> free_slots_;
    std::vector<Node> nodes_;
    std::vector<Link> links_;
    std::set<std::pair<std::size_t, std::size_t>> cuts_;
    std::unordered_map<std::string, KeyId> key_ids_;
    std::vector<std::string> keys_;
    std::set<std::size_t> key_lengths_;
};

}  // namespace roost::sim
