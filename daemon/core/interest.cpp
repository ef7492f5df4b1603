#include "daemon/core/interest.hpp"

#include "daemon/core/invariant.hpp"

namespace roost {

Interest::Wanted Interest::want(Holder holder, Bucket bucket, Ticket ticket) {
    INVARIANT(holder < holders_max);
    const auto [it, is_new] = buckets_.try_emplace(bucket);
    State& state = it->second;
    state.holders.set(holder);
    if (state.is_live) return Wanted::is_live;
    state.waiters.push_back({holder, ticket});
    return is_new ? Wanted::is_new : Wanted::is_pending;
}

void Interest::release(Holder holder, Bucket bucket, Time now) {
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end() || !found->second.holders.test(holder)) return;
    State& state = found->second;
    state.holders.reset(holder);
    std::erase_if(state.waiters, [&](const Waiter& waiter) { return waiter.holder == holder; });
    if (state.holders.any()) return;
    state.released = now;
    lingering_.emplace_back(now + linger_, bucket);
}

std::vector<Interest::Waiter> Interest::make_live(Bucket bucket) {
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return {};
    found->second.is_live = true;
    return std::exchange(found->second.waiters, {});
}

std::vector<Bucket> Interest::take_lingered(Time now) {
    std::vector<Bucket> over;
    while (!lingering_.empty() && lingering_.front().first <= now) {
        const auto [due, bucket] = lingering_.front();
        lingering_.pop_front();
        const auto found = buckets_.find(bucket);
        // It may have been wanted again, or wanted and released again, since.
        if (found == buckets_.end() || found->second.holders.any()) continue;
        if (found->second.released + linger_ != due) continue;
        buckets_.erase(found);
        over.push_back(bucket);
    }
    return over;
}

std::vector<Bucket> Interest::buckets() const {
    std::vector<Bucket> all;
    all.reserve(buckets_.size());
    for (const auto& [bucket, state] : buckets_) all.push_back(bucket);
    return all;
}

void Interest::for_each_holder(Bucket bucket, const std::function<void(Holder)>& visit) const {
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end() || found->second.holders.none()) return;
    for (std::size_t holder = 0; holder < holders_max; ++holder) {
        if (found->second.holders.test(holder)) visit(static_cast<Holder>(holder));
    }
}

}  // namespace roost
