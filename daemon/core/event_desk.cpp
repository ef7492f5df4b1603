#include "daemon/core/event_desk.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace roost {

namespace {

std::uint64_t milliseconds(Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

control::Event event_of(const EventLog::Entry& entry, std::uint64_t number, Time now) {
    const Happening& it = entry.happening;
    const bool is_of_topic = it.kind >= Happening::Kind::topic_occupied;
    return {number,
            std::string(name_of(it.kind)),
            is_of_topic ? std::string() : text_of(it.session),
            it.user,
            it.address,
            it.topic,
            std::string(it.reason),
            it.join,
            milliseconds(now - entry.at)};
}

}  // namespace

EventDesk::EventDesk(const EventDeskConfig& config, Incarnation incarnation, std::string node,
                     Send send)
    : config_(config),
      node_(std::move(node)),
      send_(std::move(send)),
      log_(incarnation, config.bytes_max) {}

void EventDesk::on_happenings(std::vector<Happening> happenings, Time now) {
    for (Happening& happening : happenings) {
        auto consequence = book_.add(happening, now);
        log_.add(std::move(happening), now);
        if (consequence) log_.add(std::move(*consequence), now);
    }
    for (const auto& [route, waiting] : std::exchange(waiting_, {})) {
        // What it waited for may be dropped already, behind more than the log holds.
        const bool is_gap = waiting.after + 1 < log_.first();
        const EventLog::Place place{is_gap ? log_.first() - 1 : waiting.after, is_gap};
        answer(route, waiting.id, place, waiting.limit, now);
    }
}

void EventDesk::on_question(const std::string& route, std::uint64_t id, const control::Events& verb,
                            Time now) {
    if (!config_.is_on) return refuse(route, id, "no_events", "the node runs without --events");
    // One question of a client waits at a time: the one before is over.
    if (const auto before = waiting_.find(route); before != waiting_.end()) {
        const Waiting waiting = before->second;
        waiting_.erase(before);
        answer(route, waiting.id, {waiting.after, false}, waiting.limit, now);
    }
    consumers_[route] = now;
    const auto place = verb.after.empty() ? std::optional(EventLog::Place{log_.last(), false})
                                          : log_.place_of(verb.after);
    if (!place) {
        return refuse(route, id, "bad_request",
                      "after must be the cursor of an answer, as in 00000000000000ff/17");
    }
    const bool has_any = place->is_gap || place->after < log_.last();
    if (has_any || verb.after.empty() || verb.wait_ms == 0) {
        return answer(route, id, *place, verb.limit, now);
    }
    if (waiting_.size() >= config_.waiting_max) {
        return refuse(route, id, "too_many", "too many consumers wait for events");
    }
    waiting_[route] = {id, place->after, verb.limit, now + std::chrono::milliseconds(verb.wait_ms)};
}

void EventDesk::answer(const std::string& route, std::uint64_t id, EventLog::Place place,
                       std::uint64_t limit, Time now) {
    control::EventBatch batch;
    batch.is_gap = place.is_gap;
    std::size_t bytes = 0;
    while (place.after < log_.last() && batch.events.size() < limit &&
           bytes < config_.bytes_an_answer) {
        const auto& entry = log_.entry(++place.after);
        batch.events.push_back(event_of(entry, place.after, now));
        bytes += sizeof entry + entry.happening.topic.size() + entry.happening.user.size();
    }
    batch.cursor = log_.cursor(place.after);
    send_(route, {id, std::move(batch)});
}

void EventDesk::on_question(const std::string& route, std::uint64_t id,
                            const control::Sessions& verb, Time now) {
    if (!config_.is_on) return refuse(route, id, "no_events", "the node runs without --events");
    const auto& sessions = book_.sessions();
    auto next = sessions.begin();
    if (!verb.after.empty()) {
        const auto after = parse_session(verb.after);
        if (!after) return refuse(route, id, "bad_request", "after must be the name of a session");
        next = sessions.upper_bound(*after);
    }
    control::SessionList list;
    list.node = node_;
    list.cursor = log_.cursor(log_.last());
    std::size_t bytes = 0;
    for (; next != sessions.end(); ++next) {
        const auto& [session, row] = *next;
        if (!verb.user.empty() && row.user != verb.user) continue;
        list.has_more =
            list.sessions.size() == config_.sessions_an_answer || bytes >= config_.bytes_an_answer;
        if (list.has_more) break;
        control::SessionRow& told = list.sessions.emplace_back(control::SessionRow{
            text_of(session), row.user, row.address, milliseconds(now - row.since), {}});
        bytes += sizeof told;
        for (const auto& [join, topic] : row.channels) {
            told.channels.push_back({topic, join});
            bytes += sizeof(control::SessionRow::Channel) + topic.size();
        }
    }
    send_(route, {id, std::move(list)});
}

void EventDesk::refuse(const std::string& route, std::uint64_t id, std::string code,
                       std::string text) {
    send_(route, {id, control::Refused{std::move(code), std::move(text)}});
}

void EventDesk::tick(Time now) {
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        const auto [route, waiting] = *it;
        if (now < waiting.deadline) {
            ++it;
            continue;
        }
        it = waiting_.erase(it);
        answer(route, waiting.id, {waiting.after, false}, waiting.limit, now);
    }
    std::erase_if(consumers_, [&](const auto& consumer) {
        return now - consumer.second > config_.consumer_silence_max;
    });
}

}  // namespace roost
