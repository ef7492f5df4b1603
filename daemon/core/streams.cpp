#include "daemon/core/streams.hpp"

#include <algorithm>
#include <utility>

#include "daemon/core/invariant.hpp"
#include "daemon/core/planted.hpp"

namespace roost {

namespace {
constexpr std::size_t buckets_max = std::size_t{1} << bucket_bits_max;

Bucket bucket_of_key(std::uint32_t key) {
    return static_cast<Bucket>(key);
}
std::uint8_t shard_of_key(std::uint32_t key) {
    return static_cast<std::uint8_t>(key >> 16);
}
}  // namespace

bool Streams::is_based(const Peer& peer, Bucket bucket) {
    return !peer.based.empty() && peer.based[bucket];
}

// A stream of a bucket that has its base, and of which nothing was told, stands at 0.
Streams::Stream& Streams::open(Peer& peer, Key key) {
    const auto [it, is_new] = peer.streams.try_emplace(key);
    if (is_new) {
        it->second.is_placed = is_based(peer, bucket_of_key(key));
        peer.unplaced += !it->second.is_placed;
        peer.shards = std::max(peer.shards, shard_of_key(key) + 1U);
    }
    return it->second;
}

void Streams::put(Peer& peer, Key key, Stream& stream, std::uint64_t last, Time now) {
    INVARIANT(!stream.is_placed);
    --peer.unplaced;
    stream.is_placed = true;
    stream.last = stream.floor = last;
    const auto known = std::exchange(stream.known, last);
    learn(peer, key, stream, known, now);
}

void Streams::on_broadcast(const BroadcastRef& broadcast, Time now) {
    // Planted: a restarted node's numbers are taken for the old ones.
    const Incarnation incarnation = ROOST_PLANTED(3) ? 0 : broadcast->origin().incarnation;
    Peer& peer = peers_[incarnation];
    const Key key = key_of(broadcast->origin().shard, broadcast->bucket());
    Stream& stream = open(peer, key);
    const std::uint64_t number = broadcast->number();
    if (!stream.is_placed) {
        // Before the base is known: whatever was sent before was not promised to us.
        put(peer, key, stream, number - 1, now);
    }
    if (number <= stream.last || stream.held.contains(number)) {
        ++counters_.repeated;
        return;
    }
    if (number <= stream.known) {
        ++counters_.repaired;
        peer.progress = now;
    } else {
        counters_.detected += number - 1 - stream.known;
        stream.known = number;
    }
    if (number == stream.last + 1) {
        stream.last = number;
        outlet_.deliver(broadcast);
        if (stream.held.empty() && stream.known == number) {
            if (hole_count_ > 0) clear_hole(peer, key);
            return;
        }
        return advance(peer, key, stream, now);
    }
    mark_hole(peer, key, stream, now);
    const std::size_t size = broadcast->wire().size();
    if (held_bytes_ + size > held_bytes_max_ || stream.held_bytes + size > stream_held_bytes_max) {
        // It is missing again.
        ++counters_.detected;
        return;
    }
    held_bytes_ += size;
    stream.held_bytes += size;
    stream.held.emplace(number, broadcast);
}

// The stream has moved, or what is known of it has.
void Streams::advance(Peer& peer, Key key, Stream& stream, Time now) {
    stream.moved = now;
    while (!stream.held.empty() && stream.held.begin()->first == stream.last + 1) {
        const auto next = stream.held.extract(stream.held.begin());
        held_bytes_ -= next.mapped()->wire().size();
        stream.held_bytes -= next.mapped()->wire().size();
        ++stream.last;
        outlet_.deliver(next.mapped());
    }
    if (stream.has_hole()) {
        mark_hole(peer, key, stream, now);
    } else {
        clear_hole(peer, key);
    }
}

void Streams::mark_hole(Peer& peer, Key key, Stream& stream, Time now) {
    if (!peer.holes.insert(key).second) return;
    ++hole_count_;
    stream.moved = now;
}

void Streams::clear_hole(Peer& peer, Key key) {
    hole_count_ -= peer.holes.erase(key);
}

void Streams::drop_held(Stream& stream) {
    held_bytes_ -= std::exchange(stream.held_bytes, 0);
    stream.held.clear();
}

void Streams::learn(Peer& peer, Key key, Stream& stream, std::uint64_t number, Time now) {
    if (number <= stream.known) return;
    if (stream.is_placed) counters_.detected += number - stream.known;
    stream.known = number;
    if (stream.has_hole()) mark_hole(peer, key, stream, now);
}

void Streams::on_mark(Incarnation incarnation, const group::StreamMark& mark, Time now) {
    Peer& peer = peers_[incarnation];
    const Key key = key_of(mark.shard, mark.bucket);
    learn(peer, key, open(peer, key), mark.number, now);
}

void Streams::on_base(Incarnation incarnation, Bucket bucket,
                      const std::vector<group::StreamMark>& marks, Time now) {
    Peer& peer = peers_[incarnation];
    if (peer.based.empty()) peer.based.resize(buckets_max);
    const bool is_first = !peer.based[bucket];
    for (const auto& mark : marks) {
        INVARIANT(mark.bucket == bucket);
        const Key key = key_of(mark.shard, bucket);
        Stream& stream = open(peer, key);
        if (!stream.is_placed) {
            put(peer, key, stream, mark.number, now);
        } else {
            learn(peer, key, stream, mark.number, now);
        }
    }
    peer.based[bucket] = true;
    if (!is_first || peer.unplaced == 0) return;
    // Of these the base says that they stood at 0; a heartbeat has overtaken it.
    for (unsigned shard = 0; shard < peer.shards; ++shard) {
        const Key key = key_of(static_cast<std::uint8_t>(shard), bucket);
        const auto stream = peer.streams.find(key);
        if (stream != peer.streams.end() && !stream->second.is_placed) {
            put(peer, key, stream->second, 0, now);
        }
    }
}

void Streams::place(const Origin& origin, Bucket bucket, std::uint64_t last, Time now) {
    Peer& peer = peers_[origin.incarnation];
    const Key key = key_of(origin.shard, bucket);
    Stream& stream = open(peer, key);
    if (!stream.is_placed) put(peer, key, stream, last, now);
}

bool Streams::has_base(Incarnation incarnation, Bucket bucket) const {
    const auto peer = peers_.find(incarnation);
    return peer != peers_.end() && is_based(peer->second, bucket);
}

bool Streams::has_holes(Incarnation incarnation) const {
    const auto peer = peers_.find(incarnation);
    return peer != peers_.end() && !peer->second.holes.empty();
}

std::vector<group::Range> Streams::holes(Incarnation incarnation, std::size_t most) const {
    std::vector<group::Range> ranges;
    const auto found = peers_.find(incarnation);
    if (found == peers_.end()) return ranges;
    for (const Key key : found->second.holes) {
        if (ranges.size() == most) break;
        const Stream& stream = found->second.streams.at(key);
        const std::uint64_t end =
            stream.held.empty() ? stream.known : stream.held.begin()->first - 1;
        ranges.push_back({shard_of_key(key), bucket_of_key(key), stream.last + 1, end});
    }
    return ranges;
}

void Streams::give_up(Incarnation incarnation, Peer& peer, Key key, std::uint64_t to, Time now) {
    Stream& stream = peer.streams.at(key);
    // Only as far as the hole goes: what is held behind it has come.
    if (!stream.held.empty()) to = std::min(to, stream.held.begin()->first - 1);
    to = std::min(to, stream.known);
    if (!stream.is_placed || to <= stream.last) return;
    const Gap gap{{incarnation, shard_of_key(key)}, bucket_of_key(key), stream.last + 1, to};
    counters_.lost += to - stream.last;
    stream.last = stream.floor = to;
    outlet_.on_gap(gap);
    advance(peer, key, stream, now);
}

void Streams::on_repaired(Incarnation incarnation, const group::Range& range, Time now) {
    const auto peer = peers_.find(incarnation);
    if (peer == peers_.end()) return;
    const Key key = key_of(range.shard, range.bucket);
    const auto found = peer->second.streams.find(key);
    if (found == peer->second.streams.end() || range.from > found->second.last + 1) return;
    peer->second.progress = now;
    const Stream& stream = found->second;
    while (stream.has_hole() && stream.last < range.to) {
        give_up(incarnation, peer->second, key, range.to, now);
    }
}

void Streams::give_up(Duration wait, Duration away_wait, Time now) {
    for (auto& [incarnation, peer] : peers_) {
        const std::vector<Key> keys(peer.holes.begin(), peer.holes.end());
        for (const Key key : keys) {
            Stream& stream = peer.streams.at(key);
            // Nobody waits behind the end of a stream whose peer is out of sight.
            if (peer.away_since && stream.held.empty()) continue;
            const Duration patience = peer.away_since ? std::max(wait, away_wait) : wait;
            if (now - std::max(stream.moved, peer.progress) < patience) continue;
            give_up(incarnation, peer, key, UINT64_MAX, now);
        }
    }
}

void Streams::give_up_all(Incarnation incarnation, Peer& peer) {
    while (!peer.holes.empty()) {
        const Key key = *peer.holes.begin();
        give_up(incarnation, peer, key, UINT64_MAX, peer.streams.at(key).moved);
    }
}

void Streams::set_away(Incarnation incarnation, Time now) {
    const auto peer = peers_.find(incarnation);
    if (peer != peers_.end()) peer->second.away_since = now;
}

void Streams::set_present(Incarnation incarnation, Time now) {
    const auto peer = peers_.find(incarnation);
    if (peer == peers_.end()) return;
    peer->second.away_since.reset();
    peer->second.progress = now;
}

void Streams::bury(Incarnation incarnation, Time now) {
    const auto peer = peers_.find(incarnation);
    if (peer == peers_.end()) return;
    give_up_all(incarnation, peer->second);
    peer->second.away_since = now;
}

std::vector<Incarnation> Streams::forget_away(std::size_t most, Time before) {
    std::vector<std::pair<Time, Incarnation>> away;
    for (const auto& [incarnation, peer] : peers_) {
        if (peer.away_since) away.emplace_back(*peer.away_since, incarnation);
    }
    std::sort(away.begin(), away.end());
    std::vector<Incarnation> forgotten;
    for (std::size_t i = 0; i < away.size(); ++i) {
        if (away.size() - i > most || away[i].first < before) forgotten.push_back(away[i].second);
    }
    for (const Incarnation incarnation : forgotten) forget(incarnation);
    return forgotten;
}

void Streams::forget(Incarnation incarnation) {
    const auto peer = peers_.find(incarnation);
    give_up_all(incarnation, peer->second);
    peers_.erase(peer);
}

void Streams::forget(Bucket bucket) {
    for (auto& [incarnation, peer] : peers_) {
        if (!peer.based.empty()) peer.based[bucket] = false;
        for (unsigned shard = 0; shard < peer.shards; ++shard) {
            const Key key = key_of(static_cast<std::uint8_t>(shard), bucket);
            const auto stream = peer.streams.find(key);
            if (stream == peer.streams.end()) continue;
            drop_held(stream->second);
            clear_hole(peer, key);
            peer.unplaced -= !stream->second.is_placed;
            peer.streams.erase(stream);
        }
    }
}

const Streams::Stream* Streams::find(const Origin& origin, Bucket bucket) const {
    const auto peer = peers_.find(origin.incarnation);
    if (peer == peers_.end()) return nullptr;
    const auto stream = peer->second.streams.find(key_of(origin.shard, bucket));
    if (stream != peer->second.streams.end()) {
        return stream->second.is_placed ? &stream->second : nullptr;
    }
    static const Stream at_zero{.is_placed = true};
    return is_based(peer->second, bucket) ? &at_zero : nullptr;
}

std::optional<std::uint64_t> Streams::last(const Origin& origin, Bucket bucket) const {
    const Stream* stream = find(origin, bucket);
    return stream ? std::optional(stream->last) : std::nullopt;
}

std::optional<std::uint64_t> Streams::floor(const Origin& origin, Bucket bucket) const {
    const Stream* stream = find(origin, bucket);
    return stream ? std::optional(stream->floor) : std::nullopt;
}

void Streams::for_each(Bucket bucket,
                       const std::function<void(const Origin&, std::uint64_t)>& visit) const {
    for (const auto& [incarnation, peer] : peers_) {
        for (unsigned shard = 0; shard < peer.shards; ++shard) {
            const auto index = static_cast<std::uint8_t>(shard);
            const auto stream = peer.streams.find(key_of(index, bucket));
            const bool is_known = stream != peer.streams.end() && stream->second.is_placed;
            const std::uint64_t last = is_known ? stream->second.last : 0;
            const bool is_first_at_zero = shard == 0 && (is_known || is_based(peer, bucket));
            if (last > 0 || is_first_at_zero) visit({incarnation, index}, last);
        }
    }
}

std::size_t Streams::size() const {
    std::size_t sum = 0;
    for (const auto& [incarnation, peer] : peers_) sum += 1 + peer.streams.size();
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
