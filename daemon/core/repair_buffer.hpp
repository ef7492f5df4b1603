// repair_buffer: what this node has published last, to be sent again to a peer that missed it.
//
// One ring for all streams of the node, bounded by bytes: the oldest message goes first. It also
// knows where each stream stands. Pure; owned by the Group.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "proto/broadcast.hpp"
#include "proto/group_wire.hpp"

namespace roost {

class RepairBuffer {
public:
    explicit RepairBuffer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    // The next message of its stream. Numbers may be passed over: those are not kept.
    void add(const BroadcastRef& broadcast);
    // Nothing if it is not kept any more, or does not exist.
    BroadcastRef find(std::uint8_t shard, Bucket bucket, std::uint64_t number) const;
    // The first number of the stream that is kept; behind the last if none is.
    std::uint64_t first(std::uint8_t shard, Bucket bucket) const;
    // 0 if nothing was ever published in the stream.
    std::uint64_t last(std::uint8_t shard, Bucket bucket) const;
    // The marks of this node's streams in the bucket that are not 0.
    void append_marks(Bucket bucket, std::vector<group::StreamMark>& marks) const;

    std::size_t bytes() const { return bytes_; }
    std::size_t size() const { return ring_.size(); }
    // What a message costs beside its bytes.
    static constexpr std::size_t overhead_bytes = 160;

private:
    struct Stream {
        std::uint64_t last = 0;
        // Places in the ring (or no_place), from `gone` on those of the last numbers. A vector,
        // because most of the many streams hold one message or none.
        std::vector<std::uint64_t> places;
        std::size_t gone = 0;
    };
    static std::uint32_t key_of(std::uint8_t shard, Bucket bucket) {
        return std::uint32_t{shard} << 16 | bucket;
    }
    void drop_oldest();

    static constexpr std::uint64_t no_place = UINT64_MAX;

    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::deque<BroadcastRef> ring_;
    std::uint64_t first_place_ = 0;  // of ring_.front()
    std::unordered_map<std::uint32_t, Stream> streams_;
    unsigned shards_ = 0;  // that have published
};

}  // namespace roost
