// event_desk: tells backends who came and went on this node.
//
// Part of the desk, for its verbs `events` and `sessions`. Consumers pull: each question has one
// answer, so a slow one is never flooded, and nothing is kept of one that is gone but its question
// that waits, at most 15 s. Without --events the node has none of this.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/event_log.hpp"
#include "daemon/core/session_book.hpp"
#include "proto/control.hpp"

namespace roost {

struct EventDeskConfig {
    bool is_on = false;
    std::size_t bytes_max = 16'000'000;
    // Questions that wait, and what one answer may hold: bytes, about.
    std::size_t waiting_max = 1000;
    std::size_t bytes_an_answer = 256'000;
    std::size_t sessions_an_answer = 1000;
    Duration consumer_silence_max = std::chrono::seconds(20);
};

class EventDesk {
public:
    using Send = std::function<void(const std::string& route, const control::Answer& answer)>;

    EventDesk(const EventDeskConfig& config, Incarnation incarnation, std::string node, Send send);

    void on_happenings(std::vector<Happening> happenings, Time now);
    void on_question(const std::string& route, std::uint64_t id, const control::Events& verb,
                     Time now);
    void on_question(const std::string& route, std::uint64_t id, const control::Sessions& verb,
                     Time now);
    void tick(Time now);

    const EventLog& log() const { return log_; }
    std::size_t consumers() const { return consumers_.size(); }

private:
    struct Waiting {
        std::uint64_t id = 0, after = 0, limit = 0;
        Time deadline{};
    };

    void refuse(const std::string& route, std::uint64_t id, std::string code, std::string text);
    void answer(const std::string& route, std::uint64_t id, EventLog::Place place,
                std::uint64_t limit, Time now);

    EventDeskConfig config_;
    std::string node_;
    Send send_;
    EventLog log_;
    SessionBook book_;
    std::map<std::string, Waiting> waiting_;  // by route
    std::map<std::string, Time> consumers_;   // by route: when it last asked
};

}  // namespace roost
