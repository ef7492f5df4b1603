// The part of Group that keeps the history of topics whole, and tells clients what they missed.
#include <algorithm>

#include "daemon/core/group.hpp"

namespace roost {

namespace {
// Messages in one answer about history: the newest, as many as fit.
constexpr std::size_t history_bytes_an_answer = 8'000'000;
constexpr std::size_t history_messages_an_answer = 20'000;

std::uint64_t milliseconds(Duration duration) {
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(count, 0, UINT32_MAX));
}

std::uint64_t number_of(const Positions& positions, const Origin& origin) {
    const auto found = positions.find(origin);
    return found == positions.end() ? 0 : found->second;
}
// Publishers repeat a message on another node when they had no answer; both may be kept.
void drop_repeated(std::vector<History::Kept>& kept) {
    std::set<std::string_view> ids;
    std::erase_if(kept, [&](const History::Kept& row) {
        return !row.message->id().empty() && !ids.insert(row.message->id()).second;
    });
}

}  // namespace

HistoryLimit Group::limit_of(std::string_view topic) const {
    const Rule* rule = config_.rules.rule_for(topic);
    return rule ? rule->history : HistoryLimit{};
}

std::map<Origin, Group::Known> Group::known_origins(std::string_view topic,
                                                    const HistoryLimit& limit) const {
    const Bucket bucket = bucket_of(topic, config_.interest_bits);
    std::map<Origin, Known> known;
    const auto add = [&](const Origin& origin, std::uint64_t last, std::uint64_t floor) {
        Known row{last, {floor, {}, last, false}};
        const auto dropped = history_.dropped(origin, bucket);
        const auto kept = history_.floor(topic, origin);
        if (kept) {
            row.floor = *kept;
        } else if (dropped && dropped->number >= floor) {
            row.floor = *dropped;
        }
        if (limit.count == 0) row.floor = {last, {}, last, false};
        known[origin] = row;
    };
    add({config_.incarnation, 0}, 0, 0);
    std::vector<group::StreamMark> own;
    repair_.append_marks(bucket, own);
    for (const auto& mark : own) add({config_.incarnation, mark.shard}, mark.number, 0);
    streams_.for_each(bucket, [&](const Origin& origin, std::uint64_t last) {
        add(origin, last, streams_.floor(origin, bucket).value_or(last));
    });
    history_.for_each_floor(topic, [&](const Origin& origin, const History::Floor& floor) {
        if (floor.is_hearsay) known.try_emplace(origin, Known{floor.last, floor});
    });
    return known;
}

Replay Group::replay(std::string_view topic, const Since& since, bool is_partial, Time now) const {
    const HistoryLimit limit = limit_of(topic);
    const auto known = known_origins(topic, limit);
    auto kept = history_.messages(topic);
    // What is not yet delivered in its stream comes live.
    std::erase_if(kept, [&](const History::Kept& row) {
        const auto found = known.find(row.message->origin());
        return found == known.end() || row.message->number() > found->second.last;
    });
    drop_repeated(kept);
    Replay replay;
    replay.is_recovered = true;
    for (const auto& [origin, row] : known) replay.positions[origin] = row.last;
    const auto take = [&](auto is_wanted) {
        for (const auto& row : kept) {
            if (is_wanted(row)) replay.messages.push_back(row.message);
        }
    };
    const bool is_whole = std::all_of(known.begin(), known.end(),
                                      [](const auto& row) { return row.second.floor.number == 0; });
    if (const auto* seen = std::get_if<Positions>(&since)) {
        for (const auto& [origin, row] : known) {
            const std::uint64_t number = number_of(*seen, origin);
            replay.is_recovered &= number >= row.last || row.floor.number <= number;
            if (number <= row.last) continue;
            replay.positions[origin] = replay.ahead[origin] = number;
        }
        // Of an origin that nobody remembers, nobody can say what came after.
        // What the client knows of it is left to the client while a node that may know is missing.
        const bool may_be_known = is_partial || !sees_all_it_knows();
        for (const auto& [origin, number] : *seen) {
            if (known.contains(origin)) continue;
            replay.is_recovered = false;
            if (may_be_known) replay.positions[origin] = number;
        }
        take([&](const History::Kept& row) {
            return row.message->number() > number_of(*seen, row.message->origin());
        });
    } else if (const auto* last = std::get_if<SinceLast>(&since)) {
        replay.is_recovered = kept.size() >= last->count || is_whole;
        if (kept.size() > last->count) {
            kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(last->count));
        }
        take([](const History::Kept&) { return true; });
    } else if (const auto* age = std::get_if<SinceSeconds>(&since)) {
        constexpr std::uint64_t seconds_max = 1'000'000'000;
        const Duration back = std::chrono::seconds(std::min(age->seconds, seconds_max));
        const auto is_older = [&](Time time) { return now - time > back; };
        replay.is_recovered = std::all_of(known.begin(), known.end(), [&](const auto& row) {
            const History::Floor& floor = row.second.floor;
            return floor.number == 0 || (floor.time && is_older(*floor.time));
        });
        take([&](const History::Kept& row) { return !is_older(row.time); });
    }
    // When such an origin comes in sight, its stream may begin before this topic's last.
    for (const auto& [origin, row] : known) {
        if (!row.floor.is_hearsay) continue;
        replay.ahead[origin] = std::max(row.last, replay.positions[origin]);
    }
    for (auto row = replay.messages.rbegin(); row != replay.messages.rend(); ++row) {
        replay.positions[(*row)->origin()] = (*row)->number() - 1;
    }
    return replay;
}

bool Group::sees_all_it_knows() const {
    return std::all_of(contacts_.begin(), contacts_.end(), [&](const auto& row) {
        const Contact& contact = row.second;
        const auto peer = peers_.find(contact.incarnation);
        if (peer != peers_.end()) return peer->second.is_up;
        return contact.state == ContactState::itself || contact.state == ContactState::refused;
    });
}

bool Group::is_settled(Time now) const {
    const Duration age = now - started_;
    return age >= config_.settle_most || (age >= config_.settle_least && sees_all_it_knows());
}

bool Group::needs_fetch(std::string_view topic, const Since& since, const Replay& found,
                        Time now) const {
    if (std::holds_alternative<SinceNow>(since) || limit_of(topic).count == 0) return false;
    if (history_.fetched_view(topic) == view_ && is_settled(now)) return false;
    return !found.is_recovered || !std::holds_alternative<Positions>(since);
}

void Group::on_resume(Holder holder, Ticket ticket, std::string_view topic, const Since& since,
                      Time now) {
    now_ = now;
    ++counters_.resumes;
    history_.expire(topic, now);
    auto found = replay(topic, since, false, now);
    Resuming waiter{holder, ticket, since};
    if (!needs_fetch(topic, since, found, now)) return answer_resume(waiter, std::move(found));
    fetch(topic, limit_of(topic), std::move(waiter), now);
}

void Group::answer_resume(const Resuming& waiter, Replay replay) {
    counters_.resumes_recovered += replay.is_recovered;
    outlet_.resumed(waiter.holder, waiter.ticket, std::move(replay));
}

void Group::fetch(std::string_view topic, const HistoryLimit& limit, Resuming waiter, Time now) {
    for (auto& [serial, fetch] : fetches_) {
        if (fetch.topic == topic) return fetch.waiters.push_back(std::move(waiter));
    }
    const std::uint64_t serial = ++last_fetch_;
    Fetch& fetch = fetches_[serial];
    fetch.topic = topic;
    fetch.limit = limit;
    fetch.waiters.push_back(std::move(waiter));
    fetch.is_early = !is_settled(now);
    if (!fetch.is_early) ask_peers(serial, now);
}

void Group::ask_peers(std::uint64_t serial, Time now) {
    Fetch& fetch = fetches_.at(serial);
    fetch.is_early = false;
    fetch.view = view_;
    fetch.deadline = now + config_.history_wait;
    const auto question =
        group::encode(group::HistoryQuestion{serial, fetch.topic, fetch.limit.count});
    for (const auto& [incarnation, peer] : peers_) {
        if (!peer.is_up) continue;
        const bool is_asked = !peer.is_silent && outlet_.to_contact(peer.contact, question);
        if (is_asked) fetch.awaited.insert(incarnation);
        fetch.is_partial |= !is_asked;
    }
    if (fetch.awaited.empty()) finish_fetch(serial, now);
}

void Group::finish_fetch(std::uint64_t serial, Time now) {
    const auto found = fetches_.find(serial);
    const Fetch fetch = std::move(found->second);
    fetches_.erase(found);
    // Who did not answer in time is asked again by the next who comes.
    if (fetch.awaited.empty() && !fetch.is_partial) {
        const Bucket bucket = bucket_of(fetch.topic, config_.interest_bits);
        history_.set_fetched_view(fetch.topic, bucket, fetch.limit, fetch.view);
    }
    history_.expire(fetch.topic, now);
    for (const auto& waiter : fetch.waiters) {
        const bool is_partial = fetch.is_partial || !fetch.awaited.empty();
        answer_resume(waiter, replay(fetch.topic, waiter.since, is_partial, now));
    }
}

void Group::stop_awaiting(Incarnation incarnation, Time now) {
    std::vector<std::uint64_t> over;
    for (auto& [serial, fetch] : fetches_) {
        if (fetch.awaited.erase(incarnation) > 0 && fetch.awaited.empty()) over.push_back(serial);
    }
    for (const std::uint64_t serial : over) finish_fetch(serial, now);
}

void Group::expire_fetches(Time now) {
    std::vector<std::uint64_t> early, over;
    for (const auto& [serial, fetch] : fetches_) {
        if (fetch.is_early) {
            if (is_settled(now)) early.push_back(serial);
        } else if (fetch.deadline <= now) {
            over.push_back(serial);
        }
    }
    for (const std::uint64_t serial : early) ask_peers(serial, now);
    for (const std::uint64_t serial : over) finish_fetch(serial, now);
}

void Group::on_history_question(const std::string& route, const group::HistoryQuestion& question,
                                Time now) {
    group::HistoryAnswer answer{question.serial, {}, {}};
    const HistoryLimit limit = limit_of(question.topic);
    history_.expire(question.topic, now);
    auto known = known_origins(question.topic, limit);
    const auto kept = history_.messages(question.topic);
    std::size_t bytes = 0;
    std::size_t first = kept.size();
    const std::size_t most = std::min<std::size_t>(question.count, history_messages_an_answer);
    while (first > 0 && kept.size() - first < most && bytes < history_bytes_an_answer) {
        bytes += kept[--first].message->wire().size();
    }
    // What is left out is as good as not kept.
    for (std::size_t i = 0; i < first; ++i) {
        const auto row = known.find(kept[i].message->origin());
        if (row == known.end()) continue;
        row->second.floor = {kept[i].message->number(), kept[i].time, row->second.last, false};
    }
    for (const auto& [origin, row] : known) {
        group::Coverage coverage{origin, row.floor.number, row.last, {}};
        if (row.floor.time) coverage.floor_age_ms = milliseconds(now - *row.floor.time);
        answer.coverage.push_back(coverage);
    }
    for (std::size_t i = first; i < kept.size(); ++i) {
        answer.messages.push_back(
            {milliseconds(now - kept[i].time), std::string(kept[i].message->wire())});
    }
    outlet_.answer(route, group::encode(answer));
}

void Group::on_history_answer(Incarnation incarnation, const group::HistoryAnswer& answer,
                              Time now) {
    const auto fetch = fetches_.find(answer.serial);
    if (fetch == fetches_.end() || fetch->second.awaited.erase(incarnation) == 0) return;
    take_history(fetch->second, answer, now);
    if (fetch->second.awaited.empty()) finish_fetch(answer.serial, now);
}

void Group::take_history(const Fetch& fetch, const group::HistoryAnswer& answer, Time now) {
    const Bucket bucket = bucket_of(fetch.topic, config_.interest_bits);
    history_.set_fetched_view(fetch.topic, bucket, fetch.limit, history_.fetched_view(fetch.topic));
    const auto known = known_origins(fetch.topic, fetch.limit);
    // Which numbers of each origin are taken over: above, and up to.
    std::map<Origin, std::pair<std::uint64_t, std::uint64_t>> wanted;
    for (const auto& row : answer.coverage) {
        if (row.origin.incarnation == config_.incarnation || row.floor > row.last) continue;
        History::Floor floor{row.floor, {}, row.last, false};
        if (row.floor_age_ms) floor.time = now - std::chrono::milliseconds(*row.floor_age_ms);
        const auto ours = known.find(row.origin);
        if (ours == known.end()) {
            floor.is_hearsay = true;
            history_.set_floor(fetch.topic, row.origin, floor);
            wanted[row.origin] = {row.floor, row.last};
            continue;
        }
        const Known& own = ours->second;
        const bool is_hearsay = own.floor.is_hearsay;
        // Only what joins on to ours makes it more complete.
        if (row.floor < own.floor.number && row.last >= own.floor.number) {
            floor.is_hearsay = is_hearsay;
            floor.last = std::max(row.last, own.last);
            history_.set_floor(fetch.topic, row.origin, floor);
            wanted[row.origin] = {row.floor, is_hearsay ? floor.last : own.last};
        } else if (is_hearsay && row.floor <= own.last && row.last > own.last) {
            floor = own.floor;
            floor.last = row.last;
            history_.set_floor(fetch.topic, row.origin, floor);
            wanted[row.origin] = {own.last, row.last};
        }
    }
    std::vector<History::Kept> messages;
    for (const auto& kept : answer.messages) {
        const auto message = Broadcast::parse(kept.wire, config_.interest_bits);
        if (!message || (*message)->topic() != fetch.topic) continue;
        const auto range = wanted.find((*message)->origin());
        if (range == wanted.end()) continue;
        const auto number = (*message)->number();
        if (number <= range->second.first || number > range->second.second) continue;
        messages.push_back({*message, now - std::chrono::milliseconds(kept.age_ms)});
    }
    history_.merge(fetch.topic, std::move(messages), fetch.limit, now);
}

}  // namespace roost
