// The part of Group that finds what was lost between nodes, and has it sent again.
#include <algorithm>

#include "daemon/core/group.hpp"
#include "daemon/core/planted.hpp"

namespace roost {

namespace {
constexpr std::size_t buckets_a_question = 1024;
constexpr std::size_t ranges_a_request = 256;
// What one request is answered with: the asker comes again for the rest.
constexpr std::size_t messages_an_answer = 2000;
// Well below what may wait for one client: what has been missed comes at once.
constexpr std::size_t bytes_an_answer = 256'000;
}  // namespace

void Group::ask_marks(Incarnation incarnation, Time now) {
    Peer& peer = peers_.at(incarnation);
    peer.marks_asked = now;
    peer.marks_round = ++marks_round_;
    peer.open_answers = 0;
    const auto buckets = interest_.buckets();
    for (std::size_t at = 0; at == 0 || at < buckets.size(); at += buckets_a_question) {
        const auto end = std::min(buckets.size(), at + buckets_a_question);
        const group::Where where{peer.marks_round,
                                 {buckets.begin() + static_cast<std::ptrdiff_t>(at),
                                  buckets.begin() + static_cast<std::ptrdiff_t>(end)}};
        // Without a connection nothing is asked; the round is begun anew in a while.
        if (!outlet_.to_contact(peer.contact, group::encode(where))) return;
        ++peer.open_answers;
    }
}

void Group::on_where(const std::string& route, const group::Where& where) {
    if (where.buckets.size() > buckets_a_question) return;
    group::Marks marks{where.round, where.buckets, {}};
    for (const Bucket bucket : where.buckets) repair_.append_marks(bucket, marks.marks);
    outlet_.answer(route, group::encode(marks));
}

void Group::set_bases(Incarnation incarnation, const std::vector<Bucket>& buckets,
                      const std::vector<group::StreamMark>& marks, Time now) {
    std::map<Bucket, std::vector<group::StreamMark>> by_bucket;
    for (const auto& mark : marks) by_bucket[mark.bucket].push_back(mark);
    for (const Bucket bucket : buckets) {
        if (!interest_.contains(bucket)) continue;
        confirm_hearsay({incarnation, 0}, bucket, now);
        for (const auto& mark : by_bucket[bucket]) {
            confirm_hearsay({incarnation, mark.shard}, bucket, now);
        }
        streams_.on_base(incarnation, bucket, by_bucket[bucket], now);
    }
    if (streams_.hole_count() > 0) ask_repair(incarnation, now);
}

// Clients may have been told of the peer's messages by another node. What has come since they are
// owed, although it was published before the peer came into view.
void Group::confirm_hearsay(const Origin& origin, Bucket bucket, Time now) {
    if (!has_history_ || streams_.has_base(origin.incarnation, bucket)) return;
    if (const auto last = history_.confirm(origin, bucket)) {
        streams_.place(origin, bucket, *last, now);
    }
}

void Group::on_marks(Incarnation incarnation, const group::Marks& marks, Time now) {
    Peer& peer = peers_.at(incarnation);
    if (marks.round != peer.marks_round || peer.open_answers == 0) return;
    set_bases(incarnation, marks.buckets, marks.marks, now);
    if (--peer.open_answers > 0) return;
    peer.wants_marks = false;
    if (std::exchange(peer.proves_link_after_marks, false)) prove_link(incarnation, now);
}

void Group::ask_repair(Incarnation incarnation, Time now) {
    Peer& peer = peers_.at(incarnation);
    if (peer.is_repairing && now - peer.repair_asked < config_.ask_again_after) return;
    auto ranges = streams_.holes(incarnation, ranges_a_request);
    if (ranges.empty()) return;
    peer.repair_asked = now;
    peer.is_repairing =
        outlet_.to_contact(peer.contact, group::encode(group::Repair{std::move(ranges)}));
    counters_.repairs_asked += peer.is_repairing;
}

void Group::on_repair(const std::string& route, const group::Repair& repair) {
    group::Repaired repaired;
    std::size_t messages = 0, bytes = 0;
    const auto send = [&](const BroadcastRef& broadcast) {
        if (messages >= messages_an_answer || bytes >= bytes_an_answer) return false;
        if (!outlet_.answer(route, broadcast->wire())) return false;
        ++messages;
        bytes += broadcast->wire().size();
        return true;
    };
    for (const auto& asked : repair.ranges) {
        const Origin self{config_.incarnation, asked.shard};
        const std::uint64_t first = repair_.first(asked.shard, asked.bucket);
        const std::uint64_t last = std::min(asked.to, repair_.last(asked.shard, asked.bucket));
        std::vector<BroadcastRef> kept;
        // The history of a topic may reach back further than the buffer.
        if (has_history_ && asked.from < first) {
            kept = history_.stream(self, asked.bucket, asked.from, std::min(last, first - 1));
        }
        std::uint64_t refused = 0;  // the first that could not be sent
        for (std::size_t i = 0; i < kept.size() && refused == 0; ++i) {
            if (!send(kept[i])) refused = kept[i]->number();
        }
        auto number = std::max(asked.from, first);
        if (ROOST_PLANTED(1)) ++number;  // an off-by-one in the range
        for (; number <= last && refused == 0; ++number) {
            const auto broadcast = repair_.find(asked.shard, asked.bucket, number);
            if (broadcast && !send(broadcast)) refused = number;
        }
        if (refused == 0) {
            repaired.ranges.push_back(asked);
            continue;
        }
        if (refused > asked.from) {
            repaired.ranges.push_back({asked.shard, asked.bucket, asked.from, refused - 1});
        }
        break;
    }
    counters_.repairs_served += messages;
    outlet_.answer(route, group::encode(repaired));
}

void Group::on_repaired(Incarnation incarnation, const group::Repaired& repaired, Time now) {
    for (const auto& range : repaired.ranges) streams_.on_repaired(incarnation, range, now);
    Peer& peer = peers_.at(incarnation);
    peer.is_repairing = false;
    // An answer that brought nothing on: the peer cannot send now.
    if (!repaired.ranges.empty()) ask_repair(incarnation, now);
}

void Group::tick_repairs(Time now) {
    for (auto& [incarnation, peer] : peers_) {
        if (peer.wants_marks && now - peer.marks_asked >= config_.ask_again_after) {
            ask_marks(incarnation, now);
        }
    }
    if (streams_.hole_count() > 0) {
        for (const auto& [incarnation, peer] : peers_) ask_repair(incarnation, now);
        streams_.give_up(config_.repair_wait, config_.away_wait, now);
    }
    const Duration remember = std::max(config_.remember_away, config_.rules.longest_history());
    const Time before = now - Time{} > remember ? now - remember : Time{};
    for (const Incarnation incarnation : streams_.forget_away(config_.away_max, before)) {
        history_.forget_floors(incarnation);
    }
}

}  // namespace roost
