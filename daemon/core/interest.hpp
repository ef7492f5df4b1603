// interest: the buckets this node is subscribed to, and who on the node wants them.
//
// Holders are the node's shards and its control desk. A bucket that nobody wants any more lingers:
// a page reload must not cost every peer an unsubscription and a subscription. Pure.
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/core/local_interest.hpp"
#include "daemon/core/time.hpp"
#include "proto/bucket.hpp"

namespace roost {

using Holder = std::uint8_t;
inline constexpr std::size_t holders_max = 65;  // 64 shards and the desk

class Interest {
public:
    struct Waiter {
        Holder holder;
        Ticket ticket;
    };
    enum class Wanted { is_live, is_pending, is_new };

    explicit Interest(Duration linger) : linger_(linger) {}

    // is_new: the caller subscribes and opens a fence. Unless it is live, the holder waits.
    Wanted want(Holder holder, Bucket bucket, Ticket ticket);
    void release(Holder holder, Bucket bucket, Time now);
    // Who has waited for it.
    std::vector<Waiter> make_live(Bucket bucket);
    // Buckets that nobody has wanted for the linger: the caller unsubscribes.
    std::vector<Bucket> take_lingered(Time now);

    bool contains(Bucket bucket) const { return buckets_.contains(bucket); }
    std::vector<Bucket> buckets() const;
    void for_each_holder(Bucket bucket, const std::function<void(Holder)>& visit) const;
    std::size_t size() const { return buckets_.size(); }

private:
    struct State {
        std::bitset<holders_max> holders;
        bool is_live = false;
        std::vector<Waiter> waiters;
        Time released{};
    };

    Duration linger_;
    std::unordered_map<Bucket, State> buckets_;
    std::deque<std::pair<Time, Bucket>> lingering_;
};

}  // namespace roost
