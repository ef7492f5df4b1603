// streams: where this node stands in the streams of its peers, and where its own stand.
//
// The numbers of a stream have no holes for whoever subscribes to its bucket, so a jump or a
// heartbeat's mark reveals a loss, and a number seen before reveals a repetition. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "proto/broadcast.hpp"
#include "proto/group_wire.hpp"

namespace roost {

class Streams {
public:
    struct Seen {
        bool is_new = true;
        std::uint64_t missed = 0;  // numbers that were skipped
    };

    Seen on_broadcast(const Broadcast& broadcast);
    // How many messages the peer has sent in this stream that never came.
    std::uint64_t on_mark(Incarnation peer, const group::StreamMark& mark);
    // The bucket is subscribed to no longer: its numbers will have holes.
    void forget(Bucket bucket);
    void forget(Incarnation peer) { peers_.erase(peer); }
    std::size_t size() const;

private:
    // Keyed by shard and bucket.
    using Marks = std::unordered_map<std::uint32_t, std::uint64_t>;
    std::map<Incarnation, Marks> peers_;
};

// What this node has sent since its last heartbeat.
class Moved {
public:
    void note(const Broadcast& broadcast);
    // At most `most` of them; the others stay for the next time.
    std::vector<group::StreamMark> take(std::size_t most);

private:
    std::map<std::pair<std::uint8_t, Bucket>, std::uint64_t> last_;
};

}  // namespace roost
