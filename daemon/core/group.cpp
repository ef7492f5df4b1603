#include "daemon/core/group.hpp"

namespace roost {

namespace {
// Marks in one heartbeat: it stays a small message whatever the traffic.
constexpr std::size_t marks_max = 4096;
}  // namespace

Group::Group(GroupConfig config, GroupOutlet& outlet, Time now)
    : config_(std::move(config)),
      outlet_(outlet),
      interest_(config_.interest_linger),
      fences_(config_.incarnation),
      started_(now),
      next_tick_(now),
      last_tick_(now),
      next_heartbeat_(now),
      next_beacon_(now) {
    outlet_.subscribe(std::string_view(&group::heartbeat_key, 1));
    for (const auto& peer : config_.peers) add_contact(peer, true, now);
}

void Group::on_want(Holder holder, Bucket bucket, Ticket ticket) {
    switch (interest_.want(holder, bucket, ticket)) {
        case Interest::Wanted::is_live: outlet_.live(holder, bucket, ticket); break;
        case Interest::Wanted::is_pending: break;
        case Interest::Wanted::is_new:
            outlet_.subscribe(group::bucket_key(bucket));
            fresh_.push_back(bucket);
            break;
    }
}

void Group::on_release(Holder holder, Bucket bucket, Time now) {
    interest_.release(holder, bucket, now);
}

void Group::on_local(const BroadcastRef& broadcast) {
    ++counters_.broadcasts_out;
    moved_.note(*broadcast);
    outlet_.publish(broadcast->wire());
}

void Group::end_of_turn(Time now) {
    if (fresh_.empty()) return;
    std::set<Incarnation> view;
    for (const auto& [incarnation, peer] : peers_) {
        if (peer.is_up) view.insert(incarnation);
    }
    auto fresh = std::exchange(fresh_, {});
    if (view.empty()) return finish(Fence{{}, {}, std::move(fresh), now});
    ++counters_.fences;
    const Fence& fence =
        fences_.open(std::move(view), std::move(fresh), now + config_.fence_timeout);
    outlet_.subscribe(group::key_of(fence.id));
}

void Group::finish(const Fence& fence) {
    if (fence.id.serial != 0) outlet_.unsubscribe(group::key_of(fence.id));
    for (const Bucket bucket : fence.buckets) {
        for (const auto& waiter : interest_.make_live(bucket)) {
            outlet_.live(waiter.holder, bucket, waiter.ticket);
        }
    }
}

void Group::on_subscription(std::string_view key) {
    const auto fence = group::fence_of(key);
    if (fence) outlet_.publish(group::encode(group::FenceAnswer{*fence, config_.incarnation}));
}

void Group::on_published(std::string_view bytes, Time now) {
    const auto message = group::decode_published(bytes);
    if (!message) {
        outlet_.note({FactKind::group_message_rejected, message.error(), {}, bytes.size()});
    } else if (const auto* broadcast = std::get_if<BroadcastRef>(&*message)) {
        on_broadcast(*broadcast);
    } else if (const auto* answer = std::get_if<group::FenceAnswer>(&*message)) {
        on_fence_answer(*answer, now);
    } else {
        on_heartbeat(std::get<group::Heartbeat>(*message), now);
    }
}

void Group::on_broadcast(const BroadcastRef& broadcast) {
    // Only a peer is listened to; a message of a buried incarnation comes too late.
    if (!peers_.contains(broadcast->origin().incarnation)) return;
    const auto seen = streams_.on_broadcast(*broadcast);
    if (!seen.is_new) {
        ++counters_.repeated;
        return;
    }
    note_missed(broadcast->origin().incarnation, seen.missed);
    ++counters_.broadcasts_in;
    bool is_wanted = false;
    interest_.for_each_holder(broadcast->bucket(), [&](Holder holder) {
        is_wanted = true;
        outlet_.to_holder(holder, broadcast);
    });
    if (!is_wanted) ++counters_.not_wanted;
}

void Group::on_fence_answer(const group::FenceAnswer& answer, Time now) {
    const auto over = fences_.on_answer(answer.fence, answer.sender);
    if (!over) return;
    finish(*over);
    const auto found = peers_.find(answer.sender);
    if (found == peers_.end() || found->second.link != over->id) return;
    Peer& peer = found->second;
    peer.link = {};
    peer.heard = now;
    if (peer.is_up) return;
    peer.is_up = true;
    peer.since = now;
    fences_.await(answer.sender, over->id);
    contacts_.at(peer.contact).was_up = true;
    outlet_.note({FactKind::node_up, peer.name, contacts_.at(peer.contact).router.text(), 0});
}

void Group::expire_fences(Time now) {
    for (const Fence& fence : fences_.take_expired(now)) {
        finish(fence);
        if (!fence.buckets.empty()) {
            ++counters_.fences_timed_out;
            const auto slow = peers_.find(*fence.awaited.begin());
            outlet_.note({FactKind::fence_timed_out,
                          slow == peers_.end() ? "" : slow->second.name,
                          {},
                          fence.buckets.size()});
            continue;
        }
        for (const Incarnation awaited : fence.awaited) {
            const auto peer = peers_.find(awaited);
            if (peer != peers_.end() && peer->second.link == fence.id) prove_link(awaited, now);
        }
    }
}

void Group::note_missed(Incarnation peer, std::uint64_t count) {
    if (count == 0) return;
    counters_.missed += count;
    outlet_.note({FactKind::messages_missed, peers_.at(peer).name, {}, count});
}

void Group::tick(Time now) {
    if (has_left_) return;
    // This node has stood still: what its peers said meanwhile is still to be read.
    const Duration pause = now - std::exchange(last_tick_, now);
    if (pause > config_.silent_after) {
        for (auto& [incarnation, peer] : peers_) peer.heard += pause;
    }
    if (now >= next_heartbeat_) {
        next_heartbeat_ = now + config_.heartbeat_interval;
        outlet_.publish(
            group::encode(group::Heartbeat{config_.incarnation, false, moved_.take(marks_max)}));
        check_silence(now);
        for (const Bucket bucket : interest_.take_lingered(now)) {
            outlet_.unsubscribe(group::bucket_key(bucket));
            streams_.forget(bucket);
        }
    }
    call_contacts(now);
    expire_fences(now);
    if (config_.beacon && now >= next_beacon_) {
        next_beacon_ = now + config_.beacon_interval;
        send_beacon(false);
    }
    next_tick_ = now + std::chrono::milliseconds(50);
}

void Group::say_goodbye() {
    has_left_ = true;
    outlet_.publish(group::encode(group::Heartbeat{config_.incarnation, true, {}}));
    if (config_.beacon) send_beacon(true);
}

}  // namespace roost
