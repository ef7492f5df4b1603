// streams: where this node stands in the streams of its peers.
//
// The numbers of a stream have no holes for whoever subscribes to its bucket. So a jump, or a mark
// that is told by a heartbeat or an answer, reveals what is missing. What follows a hole is held
// back until the hole is filled by a repair, or given up: then it is told as a Gap. What comes out
// is in order, each number once.
//
// A stream begins with its base: the number at which the peer stood when it was proved that from
// then on everything is sent to us. A peer that went out of sight keeps its place: if the same
// incarnation comes back, what was missed meanwhile shows, and is fetched. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "daemon/core/time.hpp"
#include "proto/broadcast.hpp"
#include "proto/group_wire.hpp"

namespace roost {

struct StreamCounters {
    std::uint64_t repeated = 0;
    // Messages noticed as missing; of those, what came after all, and what was given up.
    std::uint64_t detected = 0;
    std::uint64_t repaired = 0;
    std::uint64_t lost = 0;
};

class StreamsOutlet {
public:
    virtual ~StreamsOutlet() = default;
    virtual void deliver(const BroadcastRef& broadcast) = 0;
    virtual void on_gap(const Gap& gap) = 0;
};

class Streams {
public:
    // `held_bytes_max`: what may be held back behind holes, for all peers together. What does not
    // fit there, or is more than a client can be told at once, is dropped, and fetched again with
    // the rest.
    Streams(StreamsOutlet& outlet, std::size_t held_bytes_max)
        : outlet_(outlet), held_bytes_max_(held_bytes_max) {}

    void on_broadcast(const BroadcastRef& broadcast, Time now);
    // The peer has sent as much.
    void on_mark(Incarnation peer, const group::StreamMark& mark, Time now);
    // From now on all of the bucket is sent to us, and the marks are where its streams stand
    // (those of this bucket that are not 0).
    void on_base(Incarnation peer, Bucket bucket, const std::vector<group::StreamMark>& marks,
                 Time now);
    bool has_base(Incarnation peer, Bucket bucket) const;
    // What came before the base is owed as well, from this number on: unless the stream has its
    // place already.
    void place(const Origin& origin, Bucket bucket, std::uint64_t last, Time now);

    // What to ask the peer for: the first hole of each stream that has one, at most `most`.
    std::vector<group::Range> holes(Incarnation peer, std::size_t most) const;
    bool has_holes(Incarnation peer) const;
    // The peer has sent again what it had of these numbers: the rest is gone.
    void on_repaired(Incarnation peer, const group::Range& range, Time now);
    // Gives up the holes in which nothing has moved for so long, while no other of the peer's was
    // filled either.
    void give_up(Duration wait, Duration away_wait, Time now);

    // The peer is out of sight. Nothing is given up of what nobody waits for.
    void set_away(Incarnation peer, Time now);
    void set_present(Incarnation peer, Time now);
    // It will not come back: its holes are given up. Where it stood is still to be known, so that
    // clients may resume.
    void bury(Incarnation peer, Time now);
    // Of those out of sight keeps at most so many, and none that has been so since before.
    // Returns the others.
    std::vector<Incarnation> forget_away(std::size_t most, Time before);
    // The bucket is subscribed to no longer: its numbers will have holes.
    void forget(Bucket bucket);

    // The last number delivered, or the base; nothing if the stream is not known.
    std::optional<std::uint64_t> last(const Origin& origin, Bucket bucket) const;
    // All messages above it have come through here.
    std::optional<std::uint64_t> floor(const Origin& origin, Bucket bucket) const;
    // The streams that are not at 0, and the first of each peer.
    void for_each(Bucket bucket,
                  const std::function<void(const Origin&, std::uint64_t last)>& visit) const;

    const StreamCounters& counters() const { return counters_; }
    std::size_t size() const;
    // Streams that wait for a repair, of all peers.
    std::size_t hole_count() const { return hole_count_; }
    std::size_t held_bytes() const { return held_bytes_; }

    static constexpr std::size_t stream_held_bytes_max = 1'000'000;

private:
    using Key = std::uint32_t;  // shard and bucket
    struct Stream {
        bool is_placed = false;  // last and floor are known
        std::uint64_t last = 0;  // delivered, or given up
        std::uint64_t floor = 0;
        std::uint64_t known = 0;  // the highest that is known to exist
        Time moved{};
        std::map<std::uint64_t, BroadcastRef> held{};
        std::size_t held_bytes = 0;
        bool has_hole() const { return is_placed && known > last; }
    };
    struct Peer {
        std::unordered_map<Key, Stream> streams;
        std::vector<bool> based;  // by bucket; empty if none
        std::set<Key> holes;
        std::optional<Time> away_since;
        Time progress{};           // of its repairs
        std::size_t unplaced = 0;  // streams that are known by a mark only
        unsigned shards = 1;       // above every shard of which there was a stream
    };

    static Key key_of(std::uint8_t shard, Bucket bucket) {
        return std::uint32_t{shard} << 16 | bucket;
    }
    const Stream* find(const Origin& origin, Bucket bucket) const;
    static bool is_based(const Peer& peer, Bucket bucket);
    Stream& open(Peer& peer, Key key);
    // The stream begins behind this number.
    void put(Peer& peer, Key key, Stream& stream, std::uint64_t last, Time now);
    void learn(Peer& peer, Key key, Stream& stream, std::uint64_t number, Time now);
    void advance(Peer& peer, Key key, Stream& stream, Time now);
    void give_up(Incarnation incarnation, Peer& peer, Key key, std::uint64_t to, Time now);
    void give_up_all(Incarnation incarnation, Peer& peer);
    void mark_hole(Peer& peer, Key key, Stream& stream, Time now);
    void clear_hole(Peer& peer, Key key);
    void forget(Incarnation incarnation);
    void drop_held(Stream& stream);

    StreamsOutlet& outlet_;
    std::size_t held_bytes_max_;
    std::size_t held_bytes_ = 0;
    std::size_t hole_count_ = 0;
    std::map<Incarnation, Peer> peers_;
    StreamCounters counters_;
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
