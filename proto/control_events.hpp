// control_events: what the control socket tells of clients that come and go. Spec:
// proto/control.md.
//
// A consumer asks for the events after its cursor, as often as it likes; nothing is sent unasked.
// Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <msgpack.hpp>
#include <string>
#include <vector>

#include "proto/result.hpp"

namespace roost::control {

inline constexpr std::uint64_t events_an_answer_max = 1000;
inline constexpr std::uint64_t events_wait_ms_max = 15'000;

// Without a cursor, from now on: it is answered at once by where that is.
struct Events {
    std::string after;
    std::uint64_t limit = events_an_answer_max;
    std::uint64_t wait_ms = 0;  // for the first event after the cursor
    bool operator==(const Events&) const = default;
};
// Those after the session `after`, in their order; of one user if it is not empty.
struct Sessions {
    std::string after, user;
    bool operator==(const Sessions&) const = default;
};

// What does not belong to its kind is empty, or 0.
struct Event {
    std::uint64_t number = 0;
    std::string kind, session, user, address, topic, reason;
    std::uint64_t join = 0;    // the number of the join, the same in joined and left
    std::uint64_t ago_ms = 0;  // by the time of the answer
    bool operator==(const Event&) const = default;
};
// `cursor` is where to go on. With a gap, events between the asker's cursor and the first of these
// are lost to it, and it reads the sessions anew.
struct EventBatch {
    std::string cursor;
    bool is_gap = false;
    std::vector<Event> events;
    bool operator==(const EventBatch&) const = default;
};
struct SessionRow {
    struct Channel {
        std::string topic;
        std::uint64_t join = 0;
        bool operator==(const Channel&) const = default;
    };
    std::string session, user, address;
    std::uint64_t for_ms = 0;
    std::vector<Channel> channels;
    bool operator==(const SessionRow&) const = default;
};
// As they were by the event of the cursor. With `has_more`, there are others after the last of
// these.
struct SessionList {
    std::string node, cursor;
    bool has_more = false;
    std::vector<SessionRow> sessions;
    bool operator==(const SessionList&) const = default;
};

std::string encode_verb(std::uint64_t id, const Events& verb);
std::string encode_verb(std::uint64_t id, const Sessions& verb);
std::string encode_body(std::uint64_t id, const EventBatch& body);
std::string encode_body(std::uint64_t id, const SessionList& body);

// Of a map that has been unpacked. The error names the key.
Result<Events, std::string> read_events(const msgpack::object& map);
Result<Sessions, std::string> read_sessions(const msgpack::object& map);
Result<EventBatch, std::string> read_event_batch(const msgpack::object& map);
Result<SessionList, std::string> read_session_list(const msgpack::object& map);

}  // namespace roost::control
