// network: a simulated network and clock for nodes of the real core.
//
// It promises what ZeroMQ over TCP promises and nothing more: in order on each link, lost across a
// cut, deaf before a subscription has arrived, and, when a connection comes back, subscriptions
// sent again in byte order. Delays and losses come from one seed, so one seed is one history.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
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

class Network {
public:
    explicit Network(std::uint64_t seed) : random_(seed) {}

    Time now() const { return now_; }
    void at(Time time, std::function<void()> what);
    // Runs what is due until then; `after_each` after every single event.
    void run_until(Time end, const std::function<void()>& after_each);
    std::uint64_t random(std::uint64_t below) { return random_() % below; }
    // Everything that has been delivered so far, in one number.
    std::uint64_t history() const { return history_; }

    void start(std::size_t node, Ends ends);
    void stop(std::size_t node);
    void cut(std::size_t a, std::size_t b);
    void heal(std::size_t a, std::size_t b);
    bool is_cut(std::size_t a, std::size_t b) const;

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
    struct Event {
        Time time;
        std::uint64_t serial;
        std::function<void()> what;
        bool operator<(const Event& other) const {
            return std::tie(other.time, other.serial) < std::tie(time, serial);
        }
    };
    struct Node {
        Ends ends;
        std::uint64_t life = 0;  // 0: not running
        std::set<std::string, std::less<>> subscriptions;
        std::set<std::size_t> publishers;  // wants to listen to
        // As a publisher: what has arrived from whom.
        std::map<std::size_t, std::set<std::string, std::less<>>> pipes;
    };
    using Link = std::pair<std::size_t, std::size_t>;

    // In order on each link, unless either end is gone or the link is cut by then.
    void send(std::size_t from, std::size_t to, std::function<void(Node&)> what);
    void connect_later(std::size_t node, std::size_t publisher);
    void connect(std::size_t node, std::size_t publisher);
    void disconnect(std::size_t node, std::size_t publisher);
    void note(std::string_view bytes);

    std::mt19937_64 random_;
    Time now_{};
    std::uint64_t last_serial_ = 0, last_life_ = 0;
    std::uint64_t history_ = 0;
    std::priority_queue<Event> events_;
    std::map<std::size_t, Node> nodes_;
    std::map<Link, Time> last_arrival_;
    std::map<Link, std::uint64_t> connection_;  // grows when a SUB connection breaks
    std::set<Link> cuts_;
};

}  // namespace roost::sim
