// event_log: what happened to the clients of this node last, numbered 1, 2, 3 ...
//
// A ring, bounded in bytes: the oldest goes first. A cursor is the place after an event, as text:
// "INCARNATION/NUMBER". Whoever asks for what is no longer here is told that there is a gap.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/happening.hpp"
#include "daemon/core/time.hpp"

namespace roost {

class EventLog {
public:
    struct Entry {
        Happening happening;
        Time at;
    };
    // Where a reader goes on: after this event.
    struct Place {
        std::uint64_t after = 0;
        bool is_gap = false;
    };

    EventLog(Incarnation incarnation, std::size_t bytes_max)
        : incarnation_(incarnation), bytes_max_(bytes_max) {}

    void add(Happening happening, Time now);

    std::string cursor(std::uint64_t after) const;
    // Nothing if the text is no cursor. What cannot be continued goes on at the oldest event.
    std::optional<Place> place_of(std::string_view cursor) const;
    // Of the numbers first() to last().
    const Entry& entry(std::uint64_t number) const { return entries_[number - first_]; }

    std::uint64_t first() const { return first_; }
    std::uint64_t last() const { return first_ + entries_.size() - 1; }
    std::size_t bytes() const { return bytes_; }
    std::uint64_t dropped() const { return first_ - 1; }

private:
    Incarnation incarnation_;
    std::size_t bytes_max_;
    std::deque<Entry> entries_;
    std::uint64_t first_ = 1;
    std::size_t bytes_ = 0;
};

}  // namespace roost
