// fences: the proofs that this node's new subscriptions are in force at its peers.
//
// A fence is a key that nobody else subscribes to. A peer sees subscriptions in the order in which
// they were made, so when it answers the fence, it has seen all that were made before. A fence is
// over when each peer it waits for has answered, has gone, or its deadline has come. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "daemon/core/time.hpp"
#include "proto/group_wire.hpp"

namespace roost {

struct Fence {
    group::FenceKey key() const { return {id, buckets}; }

    group::FenceId id;
    std::set<Incarnation> awaited;
    std::vector<Bucket> buckets;  // become live when it is over; empty for the fence of a link
    Time deadline{};
};

class Fences {
public:
    explicit Fences(Incarnation asker) : asker_(asker) {}

    const Fence& open(std::set<Incarnation> awaited, std::vector<Bucket> buckets, Time deadline);
    // The fence, if this was the last answer it waited for. It is open no longer.
    std::optional<Fence> on_answer(const group::FenceId& id, Incarnation peer);
    // A peer whose link has just been proved by `link`: it is waited for by the fences that were
    // opened since, whose keys it will see after that one.
    void await(Incarnation peer, const group::FenceId& link);
    // The fences that waited for nobody else.
    std::vector<Fence> forget(Incarnation peer);
    std::vector<Fence> take_expired(Time now);

    std::size_t size() const { return open_.size(); }

private:
    Incarnation asker_;
    std::uint64_t last_serial_ = 0;
    std::map<std::uint64_t, Fence> open_;
};

}  // namespace roost
