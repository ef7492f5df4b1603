#include "daemon/core/local_interest.hpp"

#include "daemon/core/invariant.hpp"

namespace roost {

LocalInterest::Added LocalInterest::add(Bucket bucket) {
    State& state = buckets_[bucket];
    const bool is_first = state.channels++ == 0;
    if (is_first) state.ticket = ++last_ticket_;
    return {state.is_live, is_first, state.ticket};
}

bool LocalInterest::remove(Bucket bucket) {
    const auto found = buckets_.find(bucket);
    INVARIANT(found != buckets_.end());
    if (--found->second.channels > 0) return false;
    buckets_.erase(found);
    return true;
}

bool LocalInterest::make_live(Bucket bucket, Ticket ticket) {
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end() || found->second.ticket != ticket) return false;
    found->second.is_live = true;
    return true;
}

bool LocalInterest::is_live(Bucket bucket) const {
    const auto found = buckets_.find(bucket);
    return found != buckets_.end() && found->second.is_live;
}

}  // namespace roost
