// loop: one libev loop, its clock, and the end of its turns.
//
// A turn is everything between two waits. Parts that gather work during a turn (clients to be
// flushed, sockets of ZeroMQ whose descriptor tells only of edges) register an end-of-turn
// function; it returns true if it did something that may make work for another. They are
// called until none does, but only so many times, and then the before-wait functions once: a loop
// that is never quiet still flushes, reads and keeps time. One thread runs the loop; only
// wake(), stop() and is_own_thread() may be called from others.
#pragma once

#include <functional>
#include <memory>

#include "daemon/core/time.hpp"

struct ev_loop;

namespace roost {

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Read once for each turn.
    Time now() const;
    void take_time();

    void at_end_of_turn(std::function<bool()> work);
    void before_wait(std::function<void()> work);
    // For a before-wait function that had better be called after what is about to come in: another
    // turn is taken first, without a wait, and it is called at the end of that. False if this has
    // been asked for a few times in a row, or the loop stops: then now is the time.
    bool take_turn_first();
    // About every `interval`.
    void every(Duration interval, std::function<void()> work);
    // While `fd` is readable. The descriptor stays its owner's.
    void on_readable(int fd, std::function<void()> work);
    void forget(int fd);
    void pause(int fd);
    void resume(int fd);

    void run();
    // From any thread: the loop takes another turn, or ends.
    void wake();
    void stop();
    bool is_own_thread() const;

    struct ev_loop* raw();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
