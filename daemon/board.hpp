// board: what the loops of a node show of themselves.
//
// For /metrics, for the service manager, and for the drain. Each loop posts its figures a few times
// a second; any thread may read.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/core/group.hpp"
#include "daemon/core/handlers.hpp"
#include "daemon/core/hub.hpp"
#include "daemon/edge/log.hpp"
#include "daemon/edge/sockets.hpp"

namespace roost {

struct ShardFigures {
    std::uint64_t connections = 0, poll_sessions = 0, polls_waiting = 0, channels = 0, topics = 0;
    HubCounters hub;
    std::uint64_t frames_sent = 0, sends = 0;
    SkipCounters skipped;
    SendCounters uring;
    std::uint64_t beats = 0;  // grows while the loop turns
};
struct FabricFigures {
    std::uint64_t peers = 0, control_clients = 0;
    GroupCounters group;
    StreamCounters streams;
    std::uint64_t repair_buffer_bytes = 0;
    std::uint64_t history_bytes = 0, history_messages = 0, history_topics = 0, history_evicted = 0;
    std::uint64_t workers = 0, backend_waiting = 0, backend_outstanding = 0;
    HandlersCounters handlers;
    std::uint64_t deduplicated = 0;
    std::uint64_t events = 0, events_dropped = 0, event_consumers = 0;
    std::uint64_t queued_bytes = 0, broadcasts_shed = 0, broadcasts_skipped = 0;
    std::uint64_t beats = 0;
};

class Board {
public:
    explicit Board(std::size_t shards) : shards_(shards) {}

    void post(std::size_t shard, const ShardFigures& figures);
    void post(const FabricFigures& figures);

    ShardFigures shards() const;  // the sum
    FabricFigures fabric() const;
    // One number for each loop; a loop that stands still does not change its own.
    std::vector<std::uint64_t> beats() const;
    // Prometheus text.
    std::string metrics(const FactLog& facts) const;

    std::atomic<bool> is_ready = false;

private:
    mutable std::mutex mutex_;
    std::vector<ShardFigures> shards_;
    FabricFigures fabric_;
};

}  // namespace roost
