#include "daemon/board.hpp"

namespace roost {

namespace {

void append_requests(std::string& text, const HandlersCounters& counters) {
    text.append("# TYPE roost_backend_requests_total counter\n");
    for (std::size_t kind = 0; kind < backend::kinds; ++kind) {
        for (std::size_t outcome = 0; outcome < backend::outcomes; ++outcome) {
            text.append("roost_backend_requests_total{kind=\"")
                .append(name_of(static_cast<backend::Kind>(kind)))
                .append("\",outcome=\"")
                .append(name_of(static_cast<backend::Outcome::Kind>(outcome)))
                .append("\"} ")
                .append(std::to_string(counters.ended[kind][outcome]))
                .append("\n");
        }
    }
}

}  // namespace

void Board::post(std::size_t shard, const ShardFigures& figures) {
    const std::lock_guard lock(mutex_);
    const auto beats = shards_[shard].beats + 1;
    shards_[shard] = figures;
    shards_[shard].beats = beats;
}

void Board::post(const FabricFigures& figures) {
    const std::lock_guard lock(mutex_);
    const auto beats = fabric_.beats + 1;
    fabric_ = figures;
    fabric_.beats = beats;
}

ShardFigures Board::shards() const {
    const std::lock_guard lock(mutex_);
    ShardFigures sum;
    for (const auto& shard : shards_) {
        sum.connections += shard.connections;
        sum.poll_sessions += shard.poll_sessions;
        sum.polls_waiting += shard.polls_waiting;
        sum.channels += shard.channels;
        sum.topics += shard.topics;
        sum.hub.frames_in += shard.hub.frames_in;
        sum.hub.broadcasts_in += shard.hub.broadcasts_in;
        sum.hub.deliveries += shard.hub.deliveries;
        sum.hub.joins += shard.hub.joins;
        sum.hub.deduplicated += shard.hub.deduplicated;
        sum.frames_sent += shard.frames_sent;
        sum.sends += shard.sends;
        sum.skipped.dropped += shard.skipped.dropped;
        sum.skipped.replaced += shard.skipped.replaced;
        sum.uring.batches += shard.uring.batches;
        sum.uring.batched += shard.uring.batched;
        sum.uring.shorts += shard.uring.shorts;
    }
    return sum;
}

FabricFigures Board::fabric() const {
    const std::lock_guard lock(mutex_);
    return fabric_;
}

std::vector<std::uint64_t> Board::beats() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint64_t> beats{fabric_.beats};
    for (const auto& shard : shards_) beats.push_back(shard.beats);
    return beats;
}

std::string Board::metrics(const FactLog& facts) const {
    const auto clients = shards();
    const auto group = fabric();
    std::string text;
    const auto add = [&](std::string_view name, std::string_view type, std::uint64_t value) {
        text.append("# TYPE roost_").append(name).append(" ").append(type).append("\n");
        text.append("roost_").append(name).append(" ").append(std::to_string(value)).append("\n");
    };
    add("connections", "gauge", clients.connections);
    add("longpoll_sessions", "gauge", clients.poll_sessions);
    add("longpoll_waiting", "gauge", clients.polls_waiting);
    add("channels", "gauge", clients.channels);
    add("topics", "gauge", clients.topics);
    add("client_frames_received_total", "counter", clients.hub.frames_in);
    add("client_broadcasts_total", "counter", clients.hub.broadcasts_in);
    add("joins_total", "counter", clients.hub.joins);
    add("deliveries_total", "counter", clients.hub.deliveries);
    add("client_frames_sent_total", "counter", clients.frames_sent);
    add("client_sends_total", "counter", clients.sends);
    add("client_sends_by_uring_total", "counter", clients.uring.batched);
    add("client_sends_short_total", "counter", clients.uring.shorts);
    add("uring_batches_total", "counter", clients.uring.batches);
    add("slow_messages_dropped_total", "counter", clients.skipped.dropped);
    add("slow_messages_replaced_total", "counter", clients.skipped.replaced);
    add("group_nodes_in_view", "gauge", group.peers);
    add("control_clients", "gauge", group.control_clients);
    add("group_broadcasts_published_total", "counter", group.group.broadcasts_out);
    add("group_broadcasts_received_total", "counter", group.group.broadcasts_in);
    add("group_broadcasts_unwanted_total", "counter", group.group.not_wanted);
    add("group_broadcasts_repeated_total", "counter", group.streams.repeated);
    add("group_broadcasts_shed_total", "counter", group.broadcasts_shed);
    add("group_broadcasts_skipped_total", "counter", group.broadcasts_skipped);
    add("group_queued_bytes", "gauge", group.queued_bytes);
    add("gaps_detected_total", "counter", group.streams.detected);
    add("gaps_repaired_total", "counter", group.streams.repaired);
    add("gaps_lost_total", "counter", group.streams.lost);
    add("repairs_asked_total", "counter", group.group.repairs_asked);
    add("repairs_served_total", "counter", group.group.repairs_served);
    add("repair_buffer_bytes", "gauge", group.repair_buffer_bytes);
    add("longpoll_requests_relayed_total", "counter", group.group.polls_relayed);
    add("history_bytes", "gauge", group.history_bytes);
    add("history_messages", "gauge", group.history_messages);
    add("history_topics", "gauge", group.history_topics);
    add("history_evicted_total", "counter", group.history_evicted);
    add("resumes_total", "counter", group.group.resumes);
    add("resumes_recovered_total", "counter", group.group.resumes_recovered);
    add("publishes_deduplicated_total", "counter", clients.hub.deduplicated + group.deduplicated);
    add("events_total", "counter", group.events);
    add("events_dropped_total", "counter", group.events_dropped);
    add("event_consumers", "gauge", group.event_consumers);
    add("group_fences_total", "counter", group.group.fences);
    add("group_fences_timed_out_total", "counter", group.group.fences_timed_out);
    add("backend_workers", "gauge", group.workers);
    add("backend_requests_waiting", "gauge", group.backend_waiting);
    add("backend_requests_outstanding", "gauge", group.backend_outstanding);
    add("backend_requests_handed_again_total", "counter", group.handlers.handed_again);
    add("backend_workers_lost_total", "counter", group.handlers.workers_lost);
    append_requests(text, group.handlers);
    text.append("# TYPE roost_facts_total counter\n");
    for (std::size_t kind = 0; kind < fact_kinds; ++kind) {
        const auto fact = static_cast<FactKind>(kind);
        text.append("roost_facts_total{fact=\"").append(name_of(fact)).append("\"} ");
        text.append(std::to_string(facts.count(fact))).append("\n");
    }
    return text;
}

}  // namespace roost
