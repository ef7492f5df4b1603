#include "daemon/core/streams.hpp"

namespace roost {

namespace {
std::uint32_t key_of(std::uint8_t shard, Bucket bucket) {
    return std::uint32_t{shard} << bucket_bits | bucket;
}
}  // namespace

Streams::Seen Streams::on_broadcast(const Broadcast& broadcast) {
    auto& marks = peers_[broadcast.origin().incarnation];
    const auto [it, is_first] =
        marks.try_emplace(key_of(broadcast.origin().shard, broadcast.bucket()), broadcast.number());
    if (is_first) return {};
    std::uint64_t& last = it->second;
    if (broadcast.number() <= last) return {false, 0};
    const auto missed = broadcast.number() - last - 1;
    last = broadcast.number();
    return {true, missed};
}

std::uint64_t Streams::on_mark(Incarnation peer, const group::StreamMark& mark) {
    const auto marks = peers_.find(peer);
    if (marks == peers_.end()) return 0;
    const auto found = marks->second.find(key_of(mark.shard, mark.bucket));
    if (found == marks->second.end() || mark.number <= found->second) return 0;
    const auto missed = mark.number - found->second;
    found->second = mark.number;
    return missed;
}

void Streams::forget(Bucket bucket) {
    for (auto& [peer, marks] : peers_) {
        std::erase_if(marks,
                      [&](const auto& mark) { return static_cast<Bucket>(mark.first) == bucket; });
    }
}

std::size_t Streams::size() const {
    std::size_t sum = 0;
    for (const auto& [peer, marks] : peers_) sum += marks.size();
    return sum;
}

void Moved::note(const Broadcast& broadcast) {
    last_[{broadcast.origin().shard, broadcast.bucket()}] = broadcast.number();
}

std::vector<group::StreamMark> Moved::take(std::size_t most) {
    std::vector<group::StreamMark> marks;
    while (marks.size() < most && !last_.empty()) {
        const auto& [key, number] = *last_.begin();
        marks.push_back({key.first, key.second, number});
        last_.erase(last_.begin());
    }
    return marks;
}

}  // namespace roost
