#include "daemon/core/group.hpp"

#include <algorithm>

#include "daemon/core/planted.hpp"

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
      streams_(*this, config_.repair_buffer),
      repair_(config_.repair_buffer),
      history_(config_.history_memory),
      has_history_(config_.rules.has_history()),
      dedup_(config_.dedup_window),
      started_(now),
      next_tick_(now),
      last_tick_(now),
      now_(now),
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

void Group::on_local(const BroadcastRef& broadcast, Time now) {
    now_ = now;
    ++counters_.broadcasts_out;
    moved_.note(*broadcast);
    repair_.add(broadcast);
    keep(broadcast);
    outlet_.broadcast(broadcast);
}

// In the history, if the topic has one. A message that was repeated by its publisher is kept once.
void Group::keep(const BroadcastRef& broadcast) {
    if (!has_history_) return;
    const HistoryLimit limit = limit_of(broadcast->topic());
    if (limit.count == 0 || !dedup_.admit(broadcast->topic(), broadcast->id(), now_)) return;
    history_.add(broadcast, limit, now_);
}

void Group::end_of_turn(Time now) {
    if (fresh_.empty()) return;
    std::set<Incarnation> view;
    for (const auto& [incarnation, peer] : peers_) {
        if (peer.is_up) view.insert(incarnation);
    }
    const auto fresh = std::exchange(fresh_, {});
    for (std::size_t at = 0; at < fresh.size(); at += group::fence_buckets_max) {
        const auto end = std::min(fresh.size(), at + group::fence_buckets_max);
        std::vector<Bucket> buckets(fresh.begin() + static_cast<std::ptrdiff_t>(at),
                                    fresh.begin() + static_cast<std::ptrdiff_t>(end));
        // Planted: a fence that is answered before anybody was asked.
        if (view.empty() || ROOST_PLANTED(2)) {
            finish(Fence{{}, {}, std::move(buckets), now});
            continue;
        }
        ++counters_.fences;
        const Fence& fence = fences_.open(view, std::move(buckets), now + config_.fence_timeout);
        outlet_.subscribe(group::key_of(fence.key()));
    }
}

void Group::finish(const Fence& fence) {
    if (fence.id.serial != 0) outlet_.unsubscribe(group::key_of(fence.key()));
    for (const Bucket bucket : fence.buckets) {
        for (const auto& waiter : interest_.make_live(bucket)) {
            outlet_.live(waiter.holder, bucket, waiter.ticket);
        }
    }
}

void Group::on_subscription(std::string_view key) {
    const auto fence = group::fence_of(key);
    if (!fence) return;
    group::FenceAnswer answer{*fence, config_.incarnation, {}};
    for (const Bucket bucket : fence->buckets) repair_.append_marks(bucket, answer.marks);
    outlet_.publish(group::encode(answer));
}

void Group::on_published(std::string_view bytes, Time now) {
    now_ = now;
    const auto message = group::decode_published(bytes, config_.interest_bits);
    if (!message) {
        outlet_.note({FactKind::group_message_rejected, message.error(), {}, bytes.size()});
    } else if (const auto* broadcast = std::get_if<BroadcastRef>(&*message)) {
        on_broadcast(*broadcast, now);
    } else if (const auto* answer = std::get_if<group::FenceAnswer>(&*message)) {
        on_fence_answer(*answer, now);
    } else {
        on_heartbeat(std::get<group::Heartbeat>(*message), now);
    }
}

void Group::on_broadcast(const BroadcastRef& broadcast, Time now) {
    // Only a peer is listened to; a message of a buried incarnation comes too late, and one of a
    // bucket that was left is nobody's.
    const Incarnation origin = broadcast->origin().incarnation;
    if (!peers_.contains(origin) || !interest_.contains(broadcast->bucket())) return;
    confirm_hearsay(broadcast->origin(), broadcast->bucket(), now);
    streams_.on_broadcast(broadcast, now);
    if (streams_.hole_count() > 0) ask_repair(origin, now);
}

void Group::deliver(const BroadcastRef& broadcast) {
    ++counters_.broadcasts_in;
    keep(broadcast);
    bool is_wanted = false;
    interest_.for_each_holder(broadcast->bucket(), [&](Holder holder) {
        is_wanted = true;
        outlet_.to_holder(holder, broadcast);
    });
    if (!is_wanted) ++counters_.not_wanted;
}

void Group::on_gap(const Gap& gap) {
    history_.on_gap(gap);
    outlet_.note({FactKind::messages_lost, name_of(gap.origin.incarnation),
                  origin_text(gap.origin) + ", " + std::to_string(gap.from) + " to " +
                      std::to_string(gap.to),
                  gap.to - gap.from + 1});
    interest_.for_each_holder(gap.bucket, [&](Holder holder) { outlet_.to_holder(holder, gap); });
}

std::string Group::name_of(Incarnation incarnation) const {
    const auto peer = peers_.find(incarnation);
    return peer == peers_.end() ? incarnation_text(incarnation) : peer->second.name;
}

void Group::on_fence_answer(const group::FenceAnswer& answer, Time now) {
    const auto found = peers_.find(answer.sender);
    if (found == peers_.end() || answer.fence.id.asker != config_.incarnation) return;
    set_bases(answer.sender, answer.fence.buckets, answer.marks, now);
    const auto over = fences_.on_answer(answer.fence.id, answer.sender);
    if (!over) return;
    finish(*over);
    Peer& peer = found->second;
    if (peer.link != over->id) return;
    peer.link = {};
    peer.heard = now;
    if (peer.is_up) return;
    peer.is_up = true;
    peer.since = now;
    ++view_;
    fences_.await(answer.sender, over->id);
    contacts_.at(peer.contact).was_up = true;
    outlet_.note({FactKind::node_up, peer.name, contacts_.at(peer.contact).router.text(), 0});
    // Of what this node came to want meanwhile the peer's base is not known yet.
    const auto buckets = interest_.buckets();
    peer.wants_marks |= std::any_of(buckets.begin(), buckets.end(), [&](Bucket bucket) {
        return !streams_.has_base(answer.sender, bucket);
    });
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
        }
        for (const Incarnation awaited : fence.awaited) {
            const auto peer = peers_.find(awaited);
            if (peer == peers_.end()) continue;
            peer->second.wants_marks = true;
            if (peer->second.link == fence.id) prove_link(awaited, now);
        }
    }
}

void Group::tick(Time now) {
    if (has_left_) return;
    now_ = now;
    // This node has stood still: what its peers said meanwhile is still to be read.
    const Duration pause = now - std::exchange(last_tick_, now);
    if (pause > config_.silent_after) {
        for (auto& [incarnation, peer] : peers_) peer.heard += pause;
    }
    if (now >= next_heartbeat_) {
        next_heartbeat_ = now + config_.heartbeat_interval;
        auto marks = moved_.take(marks_max);
        if (ROOST_PLANTED(4)) marks.clear();  // the end of a stream that nobody is told of
        outlet_.publish(group::encode(
            group::Heartbeat{config_.incarnation, false, ++heartbeat_, std::move(marks)}));
        check_silence(now);
        for (const Bucket bucket : interest_.take_lingered(now)) {
            outlet_.unsubscribe(group::bucket_key(bucket));
            streams_.forget(bucket);
            history_.forget_others(bucket, config_.incarnation);
        }
    }
    call_contacts(now);
    expire_fences(now);
    tick_repairs(now);
    expire_fetches(now);
    expire_polls(now);
    tell_offers(now);
    history_.tick(now);
    if (config_.beacon && now >= next_beacon_) {
        next_beacon_ = now + config_.beacon_interval;
        send_beacon(false);
    }
    next_tick_ = now + std::chrono::milliseconds(50);
}

void Group::say_goodbye() {
    has_left_ = true;
    outlet_.publish(group::encode(
        group::Heartbeat{config_.incarnation, true, ++heartbeat_, moved_.take(marks_max)}));
    if (config_.beacon) send_beacon(true);
}

}  // namespace roost
