// local_interest: the buckets in which one shard has channels, and the joins that wait for them.
//
// A bucket is wanted from its first channel on. Until the group has said that it is live (every
// node in view sends its messages), joins wait; after that they wait for nothing. A ticket tells a
// late answer to an earlier wish from the answer to the present one. Not thread-safe.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "proto/bucket.hpp"

namespace roost {

using Ticket = std::uint64_t;

class LocalInterest {
public:
    struct Added {
        bool is_live;
        bool is_first;  // the group has to be told: want(bucket, ticket)
        Ticket ticket;
    };

    // One more channel in the bucket.
    Added add(Bucket bucket);
    // One channel less; true if it was the last: release(bucket).
    bool remove(Bucket bucket);
    // False if the ticket is not the present one.
    bool make_live(Bucket bucket, Ticket ticket);
    bool is_live(Bucket bucket) const;
    std::size_t size() const { return buckets_.size(); }

private:
    struct State {
        std::uint32_t channels = 0;
        bool is_live = false;
        Ticket ticket = 0;
    };
    std::unordered_map<Bucket, State> buckets_;
    Ticket last_ticket_ = 0;
};

}  // namespace roost
