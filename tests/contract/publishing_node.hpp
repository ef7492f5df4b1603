// publishing_node: the publisher of one node, with the real sockets, that answers fences as Group
// does and keeps a steady stream going.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/contract/edge_thread.hpp"

namespace roost::contract {

inline constexpr Incarnation publisher_incarnation = 1;
inline constexpr std::uint8_t stream_shard = 0, probe_shard = 1;
// In the stream, a message a millisecond: more when some are overdue.
inline constexpr Duration stream_interval = std::chrono::milliseconds(1);

class PublishingNode {
public:
    explicit PublishingNode(const std::vector<GroupKey>& keys = {});
    ~PublishingNode();

    const Endpoint& endpoint() const { return bound_.publisher; }

    // A topic of each bucket.
    static const std::vector<std::string>& topics();

    void start_stream(Bucket bucket);
    // The last number of the stream.
    std::uint64_t stop_stream();
    void publish(const std::vector<Bucket>& buckets, std::uint64_t number);

    std::size_t fences_seen(const group::FenceId& id);
    std::size_t fences_seen();

    // What held the loop up for longest since the last question, and what it worked altogether.
    struct Effort {
        Duration longest_publish{}, longest_service{}, longest_turn{}, cpu{};
    };
    Effort take_effort();

private:
    void on_subscription(std::string_view key);
    void stream_on();

    EdgeThread edge_;
    BoundSockets bound_;
    std::map<group::FenceId, std::size_t> fences_;
    std::size_t fences_seen_ = 0;
    Bucket stream_bucket_ = 0;
    bool is_streaming_ = false;
    Time stream_started_{};
    std::uint64_t streamed_ = 0;
    Effort effort_;
    Time turned_{};
    Duration cpu_{};
};

}  // namespace roost::contract
