// handlers: which worker of a backend decides what, as a machine that turns input into output.
//
// Workers register over the control socket for patterns of topics, with a credit: so many requests
// at once and no more. Requests of clients come from this node's shards. A request goes to the
// workers of the most specific pattern that covers its topic, to the one with the least to do.
// While none has credit it waits, bounded by count, bytes and its deadline. Each request ends once:
//
//   answered     by its worker
//   unavailable  it was never handed to a worker: too many wait, or none came in time
//   failed       its worker went away with it, or gave an answer that is none
//   late         its worker has not answered in time; it holds its credit until it does
//   cancelled    whoever asked took it back before it was handed over
//
// What ZeroMQ has taken for a worker counts as handed over, and is never given to another: a worker
// may have read it. What it has not taken goes to the next worker.
//
// Lives in the fabric's loop, beside the Desk. No socket, clock, thread or randomness in here.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/core/fact.hpp"
#include "daemon/core/group.hpp"
#include "daemon/core/interest.hpp"
#include "daemon/core/time.hpp"
#include "proto/backend.hpp"
#include "proto/control.hpp"

namespace roost {

// Who has asked, and the number by which it knows its request.
struct BackendAsker {
    Holder holder = 0;
    std::uint64_t id = 0;
    std::string route{};  // of a peer that has asked for a client of its own; else empty
    auto operator<=>(const BackendAsker&) const = default;
};

class HandlersOutlet {
public:
    virtual ~HandlersOutlet() = default;
    // False if the worker is gone or does not read: nothing was sent.
    virtual bool to_worker(const std::string& route, std::string_view bytes) = 0;
    // The same, for a node whose backends decide.
    virtual bool to_peer(Incarnation peer, const control::Asked& asked) = 0;
    virtual void backend_answered(const BackendAsker& asker, backend::Outcome outcome) = 0;
    virtual void note(const Fact& fact) = 0;
};

struct HandlersConfig {
    // For how long a request is waited for; and a pattern without workers for the next one.
    Duration deadline = std::chrono::seconds(5);
    // A worker that says nothing for so long is gone.
    Duration silence_max = std::chrono::seconds(5);
    Duration beat_interval = std::chrono::seconds(1);
    // A late request holds its credit at most for so long.
    Duration late_max = std::chrono::seconds(60);
    // Whether backends of other nodes are asked, and those of this node decide for others.
    bool is_of_group = true;
    // Requests are numbered from here: a worker that outlives the node may still answer those of
    // the node before. Below 2^53, which JavaScript can count to.
    std::uint64_t numbers_from = 0;
    // At once with one peer: its own workers' credit is what bounds them.
    std::uint64_t peer_credit = 1000;
    // Of one pattern and kind.
    std::size_t waiting_max = 10'000;
    std::size_t waiting_bytes_max = 16'000'000;
    std::size_t payload_bytes_max = 1'000'000;
};

struct HandlersCounters {
    // By kind, then by outcome.
    std::array<std::array<std::uint64_t, backend::outcomes>, backend::kinds> ended{};
    std::uint64_t handed_again =
        0;  // to the next worker, as ZeroMQ would not take it for the first
    std::uint64_t workers_lost = 0;
};

class Handlers {
public:
    Handlers(HandlersConfig config, HandlersOutlet& outlet, Time now);

    // Why the worker cannot be taken: there are too many, of its connection or of all.
    std::string why_not_handle(const std::string& route, std::uint64_t id,
                               const control::Handle& handle) const;
    // Workers. `route` is the connection, `id` that of the request.
    void on_handle(const std::string& route, std::uint64_t id, const control::Handle& handle,
                   Time now);
    void on_unhandle(const std::string& route, const control::Unhandle& unhandle, Time now);
    // Empty, or why the answer was refused.
    std::string on_respond(const std::string& route, control::Respond respond, Time now);
    // The connection has said anything.
    void on_heard(const std::string& route, Time now);

    // Shards. Answered by backend_answered(), now or later. What a worker has is decided, whoever
    // takes it back.
    void on_request(const BackendAsker& asker, backend::Request request, Time now);
    void on_cancel(const BackendAsker& asker);

    // Peers. What one offers takes the place of what it has offered before; requests go there as
    // long as no worker of this node is in the lane. A peer that offers nothing is none.
    void on_offer(Incarnation peer, const std::vector<BackendLane>& lanes, Time now);
    void on_peer_gone(Incarnation peer, Time now);
    void on_peer_decided(Incarnation peer, std::uint64_t request, backend::Outcome outcome,
                         Time now);
    // The lanes in which this node has workers.
    std::vector<BackendLane> offered() const;

    void tick(Time now);

    std::size_t worker_count() const { return workers_.size(); }
    std::size_t waiting_count() const { return waiting_; }
    std::size_t outstanding_count() const { return works_.size() - waiting_; }
    const HandlersCounters& counters() const { return counters_; }

private:
    using WorkerId = std::pair<std::string, std::uint64_t>;
    using LaneId = BackendLane;
    using Number = std::uint64_t;

    struct Worker {
        std::vector<LaneId> lanes;
        std::uint64_t credit = 0;
        std::set<Number> outstanding;
        std::uint64_t last_used = 0;
        Time heard{};
        std::optional<Incarnation> peer;  // a node, not a process beside this one
    };
    struct Lane {
        std::set<WorkerId> workers;
        std::set<Number> waiting;
        std::size_t waiting_bytes = 0;
        Time empty_since{};
    };
    struct Work {
        BackendAsker asker;
        backend::Request request;
        Time deadline{};
        LaneId lane;
        WorkerId worker;  // none: it waits
        bool is_over = false;
        bool is_handed() const { return !worker.first.empty(); }
    };

    static std::size_t bytes_of(const backend::Request& request);
    // The most specific one that covers the topic; nothing if there is none.
    std::map<LaneId, Lane>::iterator lane_for(backend::Kind kind, std::string_view topic);
    void enter_lanes(const WorkerId& id, Worker& worker, std::vector<LaneId> wanted, Time now);
    bool has_own_worker(const Lane& lane) const;
    void leave_lanes(const WorkerId& id, Worker& worker, Time now);
    void sort_anew(backend::Kind kind);
    void wait_in(std::map<LaneId, Lane>::iterator lane, Number number, Work& work);
    void stop_waiting(Number number, const Work& work);
    bool is_full(const Lane& lane, const backend::Request& request) const;
    const WorkerId* least_busy(const Lane& lane, bool is_for_peer) const;
    std::optional<Number> oldest_for(const Worker& worker) const;
    bool send(const WorkerId& id, Number number, Work& work);
    void finish(Number number, backend::Outcome outcome, Time now);
    // False if the worker could not be reached: it is none any more.
    bool hand_over(Number number, const WorkerId& worker, Time now);
    void place(Number number, Time now);
    void feed(const WorkerId& worker, Time now);
    void free_credit(const WorkerId& worker, Number number);
    void lose_worker(const WorkerId& worker, std::string_view why, Time now);
    void end(Number number, backend::Outcome outcome);
    void drop(Number number);
    void beat(Time now);
    void expire(Time now);
    void feed_all(Time now);

    HandlersConfig config_;
    HandlersOutlet& outlet_;
    JsonReader json_;
    std::map<WorkerId, Worker> workers_;
    std::map<LaneId, Lane> lanes_;
    std::map<Number, Work> works_;
    std::map<BackendAsker, Number> by_asker_;
    std::set<std::pair<Time, Number>> deadlines_;
    std::size_t waiting_ = 0;
    Number last_number_ = 0;
    std::uint64_t uses_ = 0;
    Time next_beat_{};
    Time last_tick_{};
    HandlersCounters counters_;
};

}  // namespace roost
