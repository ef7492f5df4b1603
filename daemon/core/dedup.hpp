// dedup: the ids of messages that were published not long ago, so that a retry shows only once.
//
// An id counts within its topic. Remembered for a window of time, and at most so many: the oldest
// goes first. Pure; one for each loop.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>

#include "daemon/core/time.hpp"

namespace roost {

class Dedup {
public:
    explicit Dedup(Duration window, std::size_t ids_max = 200'000)
        : window_(window), ids_max_(ids_max) {}

    // True if the id is new, which it is no longer from now on. No id is always new.
    bool admit(std::string_view topic, std::string_view id, Time now);
    std::size_t size() const { return known_.size(); }

private:
    Duration window_;
    std::size_t ids_max_;
    std::unordered_set<std::string> known_;
    std::deque<std::pair<Time, std::string>> order_;
};

}  // namespace roost
