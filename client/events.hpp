// events: who comes and goes at the daemon beside a program, one after the other.
//
// Each next() gives the events after the cursor, and moves it. A program that keeps the cursor
// beside what it made of the events goes on after its own end where it was: none missing, none
// twice. When `is_gap` is set, events were lost to it, or the daemon is a new one: then it reads
// sessions(), which is how things are by the cursor of that answer.
//
//     roost::Connection daemon(roost::default_endpoint());
//     roost::Events events(daemon, saved_cursor);
//     for (;;) {
//         const auto batch = events.next(std::chrono::seconds(10));
//         if (!batch) break;  // the daemon is gone: a new Connection, and Events from cursor()
//         for (const auto& event : batch->events) std::cout << event.kind << '\n';
//         save(events.cursor());
//     }
//
// It refers to the connection, which outlives it. Not thread-safe, as that is not.
#pragma once

#include <string>
#include <utility>

#include "client/connection.hpp"

namespace roost {

class Events {
public:
    // With an empty cursor: from the first next() on.
    explicit Events(Connection& daemon, std::string cursor = {})
        : daemon_(daemon), cursor_(std::move(cursor)) {}

    // Empty if nothing happened within `wait`, of which 15 s are the most; and at once if there
    // was no cursor.
    Result<control::EventBatch, Failure> next(Connection::Milliseconds wait) {
        auto batch = daemon_.events(cursor_, wait);
        if (batch) cursor_ = batch->cursor;
        return batch;
    }
    const std::string& cursor() const { return cursor_; }

private:
    Connection& daemon_;
    std::string cursor_;
};

}  // namespace roost
