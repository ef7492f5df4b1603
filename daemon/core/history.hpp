// history: the last messages of the topics whose rule keeps them, on this node.
//
// What was published here and what came from peers, in the order in which it came. Bounded per
// topic by count and age, and all together by bytes: then the topic that takes most gives first, so
// that one loud topic costs no other its history.
//
// For each origin of a topic it is known how complete the log is: all of its messages above `floor`
// are there. Where the log has nothing to say about an origin, the caller knows: what this node
// published itself, and what came in unbroken streams, is complete from their beginning. Pure;
// owned by the Group.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/core/rules.hpp"
#include "daemon/core/time.hpp"
#include "proto/broadcast.hpp"

namespace roost {

struct HistoryCounters {
    std::uint64_t evicted = 0;  // for want of memory; not by count or age
};

class History {
public:
    struct Kept {
        BroadcastRef message;
        Time time{};
    };
    struct Floor {
        std::uint64_t number = 0;
        // When the message `number` came; nothing if that is not known.
        std::optional<Time> time;
        // Of an origin that is known by a peer's word only: how far.
        std::uint64_t last = 0;
        bool is_hearsay = false;
    };

    explicit History(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    void add(const BroadcastRef& message, const HistoryLimit& limit, Time now);
    // Messages of the past, from a peer, to be put in their places by time. Those that are there
    // already are passed over.
    void merge(std::string_view topic, std::vector<Kept> messages, const HistoryLimit& limit,
               Time now);
    // All messages of the origin above the number are there.
    void set_floor(std::string_view topic, const Origin& origin, const Floor& floor);
    // Nothing if the log has nothing to say: see above.
    std::optional<Floor> floor(std::string_view topic, const Origin& origin) const;
    // The highest number of a bucket's logs that were dropped for good.
    std::optional<Floor> dropped(const Origin& origin, Bucket bucket) const;
    void for_each_floor(std::string_view topic,
                        const std::function<void(const Origin&, const Floor&)>& visit) const;
    // The origin has come in sight: what was hearsay of it is followed by its stream. The lowest
    // number up to which a log of the bucket has it, if any has.
    std::optional<std::uint64_t> confirm(const Origin& origin, Bucket bucket);
    // Messages of the stream are lost: no log of the bucket is complete before `to`.
    void on_gap(const Gap& gap);

    // One origin's messages of all topics of the bucket, in order.
    std::vector<BroadcastRef> stream(const Origin& origin, Bucket bucket, std::uint64_t from,
                                     std::uint64_t to) const;
    // In the order in which they came.
    std::vector<Kept> messages(std::string_view topic) const;

    // Whose history has been asked for in this view of the group.
    std::uint64_t fetched_view(std::string_view topic) const;
    void set_fetched_view(std::string_view topic, Bucket bucket, const HistoryLimit& limit,
                          std::uint64_t view);

    // The bucket is subscribed to no longer: of others' messages nothing is complete any more.
    void forget_others(Bucket bucket, Incarnation self);
    // Nothing is known of this incarnation any more.
    void forget_floors(Incarnation incarnation);
    // Drops what is too old: of one topic, before it is asked for; and of all, with bounded work
    // for one call.
    void expire(std::string_view topic, Time now);
    void tick(Time now);

    std::size_t bytes() const { return bytes_; }
    std::size_t size() const { return size_; }
    std::size_t topic_count() const { return logs_.size(); }
    const HistoryCounters& counters() const { return counters_; }

private:
    struct Log {
        std::string topic;
        Bucket bucket = 0;
        HistoryLimit limit;
        std::deque<Kept> kept;
        std::map<Origin, Floor> floors;
        std::size_t bytes = 0;
        std::uint64_t fetched_view = 0;
        Time due = never;  // when its first message is too old
    };
    using Rank = std::pair<std::size_t, Log*>;

    Log* find(std::string_view topic) const;
    Log& open(std::string_view topic, Bucket bucket, const HistoryLimit& limit);
    void drop(Log& log);
    void evict_first(Log& log);
    void trim(Log& log, Time now);
    // Keeps the orders by size and by age right around a change of the log.
    void change(Log& log, const std::function<void()>& what);
    void shrink();
    static std::size_t cost_of(const Kept& kept);

    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::size_t size_ = 0;
    std::unordered_map<std::string, std::unique_ptr<Log>> logs_;
    std::set<Rank> by_bytes_;
    std::set<std::pair<Time, Log*>> by_due_;
    // What was known of logs that are gone: the highest number that they no longer had.
    std::map<std::pair<Origin, Bucket>, Floor> dropped_;
    HistoryCounters counters_;
};

}  // namespace roost
