// model: what the clients of a simulated group must have heard, computed without the core.
//
// Promises checked here: nobody hears a message twice; the messages of one publisher are heard in
// the order sent; whoever was joined, on a node whose link to the publisher's node was and stayed
// undisturbed, has heard everything. Each breach is a sentence.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/time.hpp"

namespace roost::sim {

using ClientId = std::uint32_t;

class Model {
public:
    void on_joined(ClientId client, std::size_t node, const std::string& topic, Time now);
    void on_gone(ClientId client, Time now);
    void on_published(std::uint64_t id, ClientId publisher, std::size_t node,
                      const std::string& topic, Time now);
    void on_heard(ClientId client, std::uint64_t id, Time now);
    // The link between two nodes was cut or healed, or one of them started or died. From now on it
    // may carry messages, or cannot.
    void on_disturbed(std::size_t a, std::size_t b, bool is_linked, Time now);

    // To be called when what was published has had time to arrive.
    void check_reach(Time now);
    const std::vector<std::string>& breaches() const { return breaches_; }
    std::size_t deliveries() const { return deliveries_; }
    std::size_t owed() const { return owed_; }

private:
    struct Client {
        std::size_t node = 0;
        std::string topic;
        Time joined{};
        Time gone = never;
        std::map<std::uint64_t, Time> heard;
        std::map<ClientId, std::uint64_t> last_of;  // publisher -> highest id heard
    };
    struct Message {
        ClientId publisher = 0;
        std::size_t node = 0;
        std::string topic;
        Time published{};
    };

    bool is_undisturbed(std::size_t a, std::size_t b, Time from, Time to) const;
    void breach(std::string text) { breaches_.push_back(std::move(text)); }

    std::map<ClientId, Client> clients_;
    std::map<std::uint64_t, Message> messages_;
    struct Disturbance {
        Time time;
        bool is_linked;
    };
    std::map<std::pair<std::size_t, std::size_t>, std::vector<Disturbance>> disturbances_;
    std::vector<std::string> breaches_;
    std::size_t deliveries_ = 0, owed_ = 0;
};

}  // namespace roost::sim
