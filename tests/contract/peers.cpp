#include "tests/contract/peers.hpp"

#include <algorithm>

#include "tests/contract/publishing_node.hpp"

namespace roost::contract {

namespace {

Time now() {
    return Time(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace

Peers::Peers(std::size_t count, Incarnation first, const std::vector<GroupKey>& keys)
    : first_(first), peers_(count) {
    for (std::size_t i = 0; i < count; ++i) {
        GroupSocketEvents on;
        on.on_published = [this, i](std::string_view bytes) { on_published(i, bytes); };
        on.on_link = [this, i](const Endpoint&) { ++peers_[i].links; };
        peers_[i].bound = bind_anywhere(edge_.loop(), keys, std::move(on));
        peers_[i].has_probe.resize(std::size_t{1} << bucket_bits_max);
    }
    edge_.start([this] {
        bool is_busy = false;
        for (Peer& peer : peers_) is_busy |= peer.bound.sockets->service();
        return is_busy;
    });
}

Peers::~Peers() {
    edge_.stop();
}

void Peers::subscribe(std::size_t peer, const std::vector<Bucket>& buckets) {
    edge_.ask([&] {
        GroupSockets& sockets = *peers_[peer].bound.sockets;
        sockets.subscribe(std::string_view(&group::heartbeat_key, 1));
        for (const Bucket bucket : buckets) sockets.subscribe(group::bucket_key(bucket));
    });
}

void Peers::listen(std::size_t peer, const Endpoint& publisher) {
    edge_.ask([&] { peers_[peer].bound.sockets->listen_to(publisher, 0); });
}

group::FenceId Peers::make_fence(std::size_t index) {
    return edge_.ask([&] {
        Peer& peer = peers_[index];
        peer.open_fences.insert(++peer.last_fence);
        const group::FenceId fence{first_ + index, peer.last_fence};
        peer.bound.sockets->subscribe(group::key_of({fence, {}}));
        return fence;
    });
}

bool Peers::is_answered(const group::FenceId& fence) {
    return edge_.ask(
        [&] { return !peers_[fence.asker - first_].open_fences.contains(fence.serial); });
}

std::size_t Peers::links(std::size_t peer) {
    return edge_.ask([&] { return peers_[peer].links; });
}

void Peers::on_published(std::size_t index, std::string_view bytes) {
    const auto message = group::decode_published(bytes);
    if (!message) return;
    Peer& peer = peers_[index];
    if (const auto* broadcast = std::get_if<BroadcastRef>(&*message)) {
        on_broadcast(peer, **broadcast);
    } else if (const auto* answer = std::get_if<group::FenceAnswer>(&*message)) {
        on_fence_answer(peer, *answer);
    }
}

void Peers::on_fence_answer(Peer& peer, const group::FenceAnswer& answer) {
    if (peer.open_fences.erase(answer.fence.id.serial) == 0) return;
    peer.bound.sockets->unsubscribe(group::key_of(answer.fence));
}

void Peers::on_broadcast(Peer& peer, const Broadcast& broadcast) {
    if (broadcast.origin().shard == stream_shard) {
        const Time time = now();
        if (peer.heard_at != Time{}) {
            peer.heard.longest_pause = std::max(peer.heard.longest_pause, time - peer.heard_at);
        }
        peer.heard_at = time;
        ++peer.heard.messages;
        peer.heard.last = broadcast.number();
        return;
    }
    if (broadcast.number() != peer.probe) {
        peer.probe = broadcast.number();
        peer.probed = {};
        peer.has_probe.assign(peer.has_probe.size(), false);
    }
    ++peer.probed.messages;
    auto has_it = peer.has_probe[broadcast.bucket()];
    if (!has_it) ++peer.probed.buckets;
    has_it = true;
}

Peers::Probed Peers::probed(std::size_t peer, std::uint64_t number) {
    return edge_.ask([&] { return peers_[peer].probe == number ? peers_[peer].probed : Probed{}; });
}

Peers::Heard Peers::heard(std::size_t peer) {
    return edge_.ask([&] { return peers_[peer].heard; });
}

void Peers::forget_pauses(std::size_t peer) {
    edge_.ask([&] {
        peers_[peer].heard.longest_pause = {};
        peers_[peer].heard_at = now();
    });
}

}  // namespace roost::contract
