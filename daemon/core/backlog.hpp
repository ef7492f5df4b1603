// backlog: what waits for one socket that is behind, by reference and bounded by bytes.
//
// What may be missed of it is the business of the rules of its topics (slow=). At its limit the
// oldest of what may be dropped makes room, a quarter of the limit at a time; of a topic with
// slow=latest only the newest message waits at all. What is no broadcast is never dropped: replies,
// closes, pings. Frames of one topic keep their order. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/core/rules.hpp"
#include "proto/broadcast.hpp"

namespace roost {

// Bytes for sockets, of the kind that Outbox::put takes.
struct Frame {
    std::shared_ptr<const void> owner;  // keeps the bytes, and the broadcast
    std::string_view bytes;
    // Of what a slow client may miss; null for what it may not.
    const Broadcast* broadcast = nullptr;
    SlowPolicy slow = SlowPolicy::disconnect;
    bool is_positioned = false;

    bool may_be_missed() const { return broadcast && slow != SlowPolicy::disconnect; }
};

// Of one topic and origin, what a channel with positions has missed: for its marker.
struct Skipped {
    std::string topic;
    Origin origin;
    std::uint64_t from = 0, to = 0;
    bool operator==(const Skipped&) const = default;
};

struct SkipCounters {
    std::uint64_t dropped = 0;   // at the limit
    std::uint64_t replaced = 0;  // by a newer one of the topic
};

class Backlog {
public:
    // False if the limit is passed by what may not be missed: the socket is to be closed.
    bool keep(const Frame& frame, std::size_t bytes_max, SkipCounters& counters);
    // Before all that waits.
    void keep_first(Frame frame);

    // Moves frames to the end of `text` until it has `most` bytes or nothing waits. How many.
    std::size_t take(std::string& text, std::size_t most);
    // What has been missed since it was asked last, of channels with positions; all of it was
    // published before what waits of its topic.
    std::vector<Skipped> take_skipped();

    bool has_skipped() const { return !skipped_.empty(); }
    bool is_empty() const { return frames_.empty(); }
    std::size_t bytes() const { return bytes_; }

private:
    struct Range {
        std::uint64_t from, to;
    };

    void push(const Frame& frame);
    bool replace(const Frame& frame, SkipCounters& counters);
    void make_room(std::size_t target, SkipCounters& counters);
    void note_skipped(const Frame& frame);

    std::deque<Frame> frames_;
    std::int64_t first_ = 0;  // the number of the first of them
    std::size_t bytes_ = 0;
    std::map<std::string, std::int64_t, std::less<>> latest_;  // topic -> number of its frame
    std::map<std::pair<std::string, Origin>, Range> skipped_;
};

}  // namespace roost
