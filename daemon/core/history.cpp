#include "daemon/core/history.hpp"

#include <algorithm>
#include <tuple>

namespace roost {

namespace {
// A log, and a message in it, beside the bytes of the message.
constexpr std::size_t log_bytes = 900;
constexpr std::size_t message_bytes = 160;
constexpr int logs_a_tick = 1000;
}  // namespace

std::size_t History::cost_of(const Kept& kept) {
    return kept.message->wire().size() + message_bytes;
}

History::Log* History::find(std::string_view topic) const {
    const auto found = logs_.find(std::string(topic));
    return found == logs_.end() ? nullptr : found->second.get();
}

History::Log& History::open(std::string_view topic, Bucket bucket, const HistoryLimit& limit) {
    auto& log = logs_[std::string(topic)];
    if (!log) {
        log = std::make_unique<Log>();
        log->topic = topic;
        log->bucket = bucket;
        log->bytes = log_bytes;
        bytes_ += log_bytes;
        by_bytes_.emplace(log->bytes, log.get());
        by_due_.emplace(log->due, log.get());
    }
    log->limit = limit;
    return *log;
}

void History::change(Log& log, const std::function<void()>& what) {
    by_bytes_.erase({log.bytes, &log});
    by_due_.erase({log.due, &log});
    what();
    log.due = log.kept.empty() ? never : log.kept.front().time + log.limit.age;
    by_bytes_.emplace(log.bytes, &log);
    by_due_.emplace(log.due, &log);
}

// What is left to know of a log that has nothing any more.
void History::drop(Log& log) {
    for (const auto& [origin, floor] : log.floors) {
        if (floor.is_hearsay) continue;
        Floor& dropped = dropped_[{origin, log.bucket}];
        if (floor.number >= dropped.number) dropped = floor;
    }
    by_bytes_.erase({log.bytes, &log});
    by_due_.erase({log.due, &log});
    bytes_ -= log.bytes;
    logs_.erase(log.topic);
}

void History::evict_first(Log& log) {
    const Kept& first = log.kept.front();
    Floor& floor = log.floors[first.message->origin()];
    if (first.message->number() >= floor.number) {
        floor.number = first.message->number();
        floor.last = std::max(floor.last, floor.number);
        floor.time = first.time;
    }
    const std::size_t cost = cost_of(first);
    log.bytes -= cost;
    bytes_ -= cost;
    --size_;
    log.kept.pop_front();
}

void History::trim(Log& log, Time now) {
    while (log.kept.size() > log.limit.count ||
           (!log.kept.empty() && log.kept.front().time + log.limit.age <= now)) {
        evict_first(log);
    }
}

void History::shrink() {
    while (bytes_ > bytes_max_ && !by_bytes_.empty()) {
        Log& largest = *by_bytes_.rbegin()->second;
        if (largest.kept.empty()) {
            drop(largest);
            continue;
        }
        ++counters_.evicted;
        change(largest, [&] { evict_first(largest); });
    }
}

void History::add(const BroadcastRef& message, const HistoryLimit& limit, Time now) {
    Log& log = open(message->topic(), message->bucket(), limit);
    change(log, [&] {
        const Kept kept{message, now};
        log.bytes += cost_of(kept);
        bytes_ += cost_of(kept);
        ++size_;
        log.kept.push_back(kept);
        trim(log, now);
    });
    shrink();
}

void History::merge(std::string_view topic, std::vector<Kept> messages, const HistoryLimit& limit,
                    Time now) {
    if (messages.empty()) return;
    Log& log = open(topic, messages.front().message->bucket(), limit);
    change(log, [&] {
        std::set<std::pair<Origin, std::uint64_t>> present;
        for (const auto& kept : log.kept) {
            present.emplace(kept.message->origin(), kept.message->number());
        }
        for (auto& kept : messages) {
            if (!present.emplace(kept.message->origin(), kept.message->number()).second) continue;
            log.bytes += cost_of(kept);
            bytes_ += cost_of(kept);
            ++size_;
            log.kept.push_back(std::move(kept));
        }
        // Times of different nodes are not the same: within a stream its numbers decide.
        std::map<Origin, std::vector<Kept*>> streams;
        for (auto& kept : log.kept) streams[kept.message->origin()].push_back(&kept);
        for (auto& [origin, rows] : streams) {
            std::sort(rows.begin(), rows.end(), [](const Kept* a, const Kept* b) {
                return a->message->number() < b->message->number();
            });
            for (std::size_t i = rows.size() - 1; i > 0; --i) {
                rows[i - 1]->time = std::min(rows[i - 1]->time, rows[i]->time);
            }
        }
        std::sort(log.kept.begin(), log.kept.end(), [](const Kept& a, const Kept& b) {
            return std::tuple(a.time, a.message->origin(), a.message->number()) <
                   std::tuple(b.time, b.message->origin(), b.message->number());
        });
        trim(log, now);
    });
    shrink();
}

void History::set_floor(std::string_view topic, const Origin& origin, const Floor& floor) {
    if (Log* log = find(topic)) log->floors[origin] = floor;
}

std::optional<History::Floor> History::floor(std::string_view topic, const Origin& origin) const {
    const Log* log = find(topic);
    if (!log) return std::nullopt;
    const auto found = log->floors.find(origin);
    if (found == log->floors.end()) return std::nullopt;
    return found->second;
}

std::optional<History::Floor> History::dropped(const Origin& origin, Bucket bucket) const {
    const auto found = dropped_.find({origin, bucket});
    if (found == dropped_.end()) return std::nullopt;
    return found->second;
}

std::vector<BroadcastRef> History::stream(const Origin& origin, Bucket bucket, std::uint64_t from,
                                          std::uint64_t to) const {
    std::map<std::uint64_t, BroadcastRef> found;
    for (const auto& [topic, log] : logs_) {
        if (log->bucket != bucket) continue;
        for (const auto& kept : log->kept) {
            const auto number = kept.message->number();
            if (kept.message->origin() == origin && number >= from && number <= to) {
                found[number] = kept.message;
            }
        }
    }
    std::vector<BroadcastRef> messages;
    messages.reserve(found.size());
    for (auto& [number, message] : found) messages.push_back(std::move(message));
    return messages;
}

void History::for_each_floor(std::string_view topic,
                             const std::function<void(const Origin&, const Floor&)>& visit) const {
    const Log* log = find(topic);
    if (!log) return;
    for (const auto& [origin, floor] : log->floors) visit(origin, floor);
}

std::optional<std::uint64_t> History::confirm(const Origin& origin, Bucket bucket) {
    std::optional<std::uint64_t> lowest;
    for (const auto& [topic, log] : logs_) {
        if (log->bucket != bucket) continue;
        const auto floor = log->floors.find(origin);
        if (floor == log->floors.end() || !floor->second.is_hearsay) continue;
        floor->second.is_hearsay = false;
        lowest = std::min(lowest.value_or(UINT64_MAX), floor->second.last);
    }
    return lowest;
}

void History::on_gap(const Gap& gap) {
    for (const auto& [topic, log] : logs_) {
        if (log->bucket != gap.bucket) continue;
        Floor& floor = log->floors[gap.origin];
        floor.number = std::max(floor.number, gap.to);
        floor.last = std::max(floor.last, gap.to);
        floor.time.reset();
    }
}

std::vector<History::Kept> History::messages(std::string_view topic) const {
    const Log* log = find(topic);
    if (!log) return {};
    return {log->kept.begin(), log->kept.end()};
}

std::uint64_t History::fetched_view(std::string_view topic) const {
    const Log* log = find(topic);
    return log ? log->fetched_view : 0;
}

void History::set_fetched_view(std::string_view topic, Bucket bucket, const HistoryLimit& limit,
                               std::uint64_t view) {
    open(topic, bucket, limit).fetched_view = view;
    shrink();
}

void History::forget_others(Bucket bucket, Incarnation self) {
    std::vector<Log*> changed;
    for (const auto& [topic, log] : logs_) {
        if (log->bucket == bucket) changed.push_back(log.get());
    }
    for (Log* log : changed) {
        change(*log, [&] {
            std::erase_if(log->floors,
                          [&](const auto& row) { return row.first.incarnation != self; });
            std::erase_if(log->kept, [&](const Kept& kept) {
                if (kept.message->origin().incarnation == self) return false;
                log->bytes -= cost_of(kept);
                bytes_ -= cost_of(kept);
                --size_;
                return true;
            });
            log->fetched_view = 0;
        });
        if (log->kept.empty()) drop(*log);
    }
    std::erase_if(dropped_, [&](const auto& row) {
        return row.first.second == bucket && row.first.first.incarnation != self;
    });
}

void History::forget_floors(Incarnation incarnation) {
    const auto is_its = [&](const Origin& origin) { return origin.incarnation == incarnation; };
    for (const auto& [topic, log] : logs_) {
        std::erase_if(log->floors, [&](const auto& row) { return is_its(row.first); });
    }
    std::erase_if(dropped_, [&](const auto& row) { return is_its(row.first.first); });
}

void History::expire(std::string_view topic, Time now) {
    Log* log = find(topic);
    if (log && log->due <= now) change(*log, [&] { trim(*log, now); });
}

void History::tick(Time now) {
    for (int i = 0; i < logs_a_tick && !by_due_.empty(); ++i) {
        Log& first = *by_due_.begin()->second;
        if (first.due > now) return;
        change(first, [&] { trim(first, now); });
        if (first.kept.empty()) drop(first);
    }
}

}  // namespace roost
