#include "daemon/core/repair_buffer.hpp"

#include <algorithm>

#include "daemon/core/invariant.hpp"

namespace roost {

void RepairBuffer::add(const BroadcastRef& broadcast) {
    const auto shard = broadcast->origin().shard;
    Stream& stream = streams_[key_of(shard, broadcast->bucket())];
    INVARIANT(broadcast->number() > stream.last);
    if (!stream.places.empty()) {
        const std::uint64_t passed = broadcast->number() - stream.last - 1;
        stream.places.insert(stream.places.end(), passed, no_place);
    }
    stream.last = broadcast->number();
    stream.places.push_back(first_place_ + ring_.size());
    ring_.push_back(broadcast);
    bytes_ += broadcast->wire().size() + overhead_bytes;
    shards_ = std::max(shards_, shard + 1U);
    while (bytes_ > bytes_max_ && !ring_.empty()) drop_oldest();
}

void RepairBuffer::drop_oldest() {
    const Broadcast& oldest = *ring_.front();
    Stream& stream = streams_.at(key_of(oldest.origin().shard, oldest.bucket()));
    while (stream.places[stream.gone] == no_place) ++stream.gone;
    INVARIANT(stream.places[stream.gone] == first_place_);
    if (++stream.gone == stream.places.size()) {
        stream.places = {};
        stream.gone = 0;
    } else if (stream.gone > 64 && stream.gone > stream.places.size() / 2) {
        stream.places.erase(stream.places.begin(),
                            stream.places.begin() + static_cast<std::ptrdiff_t>(stream.gone));
        stream.gone = 0;
    }
    bytes_ -= oldest.wire().size() + overhead_bytes;
    ring_.pop_front();
    ++first_place_;
}

BroadcastRef RepairBuffer::find(std::uint8_t shard, Bucket bucket, std::uint64_t number) const {
    const auto found = streams_.find(key_of(shard, bucket));
    if (found == streams_.end()) return nullptr;
    const Stream& stream = found->second;
    const std::size_t kept = stream.places.size() - stream.gone;
    if (number > stream.last || number + kept <= stream.last) return nullptr;
    const std::uint64_t place = stream.places[stream.places.size() - 1 - (stream.last - number)];
    return place == no_place ? nullptr : ring_[place - first_place_];
}

std::uint64_t RepairBuffer::first(std::uint8_t shard, Bucket bucket) const {
    const auto found = streams_.find(key_of(shard, bucket));
    if (found == streams_.end()) return 1;
    const Stream& stream = found->second;
    return stream.last - (stream.places.size() - stream.gone) + 1;
}

std::uint64_t RepairBuffer::last(std::uint8_t shard, Bucket bucket) const {
    const auto found = streams_.find(key_of(shard, bucket));
    return found == streams_.end() ? 0 : found->second.last;
}

void RepairBuffer::append_marks(Bucket bucket, std::vector<group::StreamMark>& marks) const {
    for (unsigned shard = 0; shard < shards_; ++shard) {
        const auto index = static_cast<std::uint8_t>(shard);
        const auto number = last(index, bucket);
        if (number > 0) marks.push_back({index, bucket, number});
    }
}

}  // namespace roost
