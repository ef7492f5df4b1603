#include "daemon/core/fences.hpp"

namespace roost {

const Fence& Fences::open(std::set<Incarnation> awaited, std::vector<Bucket> buckets,
                          Time deadline) {
    const auto serial = ++last_serial_;
    return open_[serial] =
               Fence{{asker_, serial}, std::move(awaited), std::move(buckets), deadline};
}

std::optional<Fence> Fences::on_answer(const group::FenceId& id, Incarnation peer) {
    const auto found = open_.find(id.serial);
    if (id.asker != asker_ || found == open_.end()) return std::nullopt;
    if (found->second.awaited.erase(peer) == 0 || !found->second.awaited.empty()) {
        return std::nullopt;
    }
    Fence over = std::move(found->second);
    open_.erase(found);
    return over;
}

void Fences::await(Incarnation peer, const group::FenceId& link) {
    for (auto it = open_.upper_bound(link.serial); it != open_.end(); ++it) {
        if (!it->second.buckets.empty()) it->second.awaited.insert(peer);
    }
}

std::vector<Fence> Fences::forget(Incarnation peer) {
    std::vector<Fence> over;
    for (auto it = open_.begin(); it != open_.end();) {
        const bool waited = it->second.awaited.erase(peer) > 0;
        if (waited && it->second.awaited.empty()) {
            over.push_back(std::move(it->second));
            it = open_.erase(it);
        } else {
            ++it;
        }
    }
    return over;
}

std::vector<Fence> Fences::take_expired(Time now) {
    std::vector<Fence> over;
    for (auto it = open_.begin(); it != open_.end();) {
        if (it->second.deadline <= now) {
            over.push_back(std::move(it->second));
            it = open_.erase(it);
        } else {
            ++it;
        }
    }
    return over;
}

}  // namespace roost
