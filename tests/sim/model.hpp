// model: what the clients of a simulated group must have heard, computed without the core.
//
// Checked always: nobody hears a message twice; the messages of one publisher are heard in the
// order sent; positions only move forward. Checked when asked: whoever was joined, on a node whose
// link to the publisher's node was and stayed undisturbed, has heard everything in time
// (check_reach); and whatever happened in between, nothing has vanished without being announced
// (check_nothing_vanished). Each breach is a sentence.
//
// A client has a life: from its first join reply over all returns that were answered with
// recovered:true. With any other answer a new life begins, of which nothing before is claimed.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/time.hpp"

namespace roost::sim {

using ClientId = std::uint32_t;

// A stream of numbered messages: its origin as clients see it, and the bucket.
struct StreamName {
    std::string origin;
    std::uint32_t bucket = 0;
    auto operator<=>(const StreamName&) const = default;
};

class Model {
public:
    void on_joined(ClientId client, std::size_t node, const std::string& topic, bool is_recovered,
                   Time now);
    // It hears nothing from now on; it may come back by on_joined.
    void on_gone(ClientId client, Time now);
    void on_published(std::uint64_t id, ClientId publisher, std::size_t node,
                      const std::string& topic, Time now);
    // The stream and the number that a message got, and where a client was told to be.
    void on_numbered(std::uint64_t id, const StreamName& stream, std::uint64_t number);
    void on_heard(ClientId client, std::uint64_t id, Time now);
    void on_position(ClientId client, const StreamName& stream, std::uint64_t number, Time now);
    void on_gap(ClientId client, const StreamName& stream, std::uint64_t from, std::uint64_t to,
                Time now);

    void on_started(std::size_t node, Time now);
    void on_stopped(std::size_t node);
    // The link between two nodes was cut or healed, lost something, or one of them started, died
    // or stood still. From now on it may carry messages, or cannot.
    void on_disturbed(std::size_t a, std::size_t b, bool is_linked, Time now);

    // To be called when what was published has had time to arrive.
    void check_reach(Time now);
    // To be called when all is healed and has been repaired or given up.
    void check_nothing_vanished(Time now);
    void breach(std::string text) { breaches_.push_back(std::move(text)); }

    const std::vector<std::string>& breaches() const { return breaches_; }
    std::size_t deliveries() const { return deliveries_; }
    // How many deliveries the checks have asked for, and how many of those that were asked of a
    // client for the time when it was away.
    std::size_t owed() const { return owed_; }
    std::size_t owed_to_returned() const { return owed_to_returned_; }
    std::size_t excused() const { return excused_; }

private:
    struct Life {
        std::size_t node = 0;
        Time begun{};
        std::map<std::uint64_t, Time> heard;
        std::map<std::pair<ClientId, std::uint64_t>, std::uint64_t> last_of;
        std::map<StreamName, std::uint64_t> positions;
        std::map<StreamName, std::vector<std::pair<std::uint64_t, std::uint64_t>>> gaps;
    };
    struct Client {
        std::string topic;
        // Of its present stay.
        std::size_t node = 0;
        std::uint64_t incarnation = 0;
        Time joined{};
        Time gone = never;
        std::uint64_t stays = 0;
        Life life;
    };
    struct Message {
        ClientId publisher = 0;
        std::uint64_t stay = 0;  // of the publisher
        std::size_t node = 0;
        std::uint64_t incarnation = 0;
        std::string topic;
        Time published{};
        StreamName stream;
        std::uint64_t number = 0;
    };
    struct Disturbance {
        Time time;
        bool is_linked;
    };

    bool is_undisturbed(std::size_t a, std::size_t b, Time from, Time to) const;
    bool is_up(std::size_t node, std::uint64_t incarnation) const;
    bool is_in_gap(const Client& client, const Message& message) const;
    bool is_promised(const Client& client, const Message& message) const;
    std::vector<ClientId> clients_of(const std::string& topic) const;

    std::map<ClientId, Client> clients_;
    std::map<std::uint64_t, Message> messages_;
    std::map<std::size_t, std::uint64_t> incarnations_;  // of the nodes that are up
    std::map<std::uint64_t, Time> started_;              // by incarnation
    std::uint64_t last_incarnation_ = 0;
    std::map<std::pair<std::size_t, std::size_t>, std::vector<Disturbance>> disturbances_;
    std::vector<std::string> breaches_;
    std::size_t deliveries_ = 0, owed_ = 0, owed_to_returned_ = 0, excused_ = 0;
};

}  // namespace roost::sim
