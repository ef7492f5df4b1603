// mailbox: a bounded FIFO queue into a loop, from any thread.
//
// Producers put; the loop drains at the end of its turns. What does not fit is refused and counted
// by the producer: a loop that has stopped must not take the memory of the node with it.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "daemon/edge/loop.hpp"

namespace roost {

template <class T>
class Mailbox {
public:
    explicit Mailbox(Loop& loop, std::size_t letters_max = 1'000'000)
        : loop_(loop), letters_max_(letters_max) {}

    // False if the box is full.
    [[nodiscard]] bool put(T letter) {
        bool was_empty = false;
        {
            const std::lock_guard lock(mutex_);
            if (letters_.size() >= letters_max_) return false;
            was_empty = letters_.empty();
            letters_.push_back(std::move(letter));
        }
        // In its own turn the loop drains it anyway before it waits.
        if (was_empty && !loop_.is_own_thread()) loop_.wake();
        return true;
    }

    // On the loop's thread. True if there was anything.
    template <class Visit>
    bool drain(Visit visit) {
        {
            const std::lock_guard lock(mutex_);
            if (letters_.empty()) return false;
            taken_.swap(letters_);
        }
        for (T& letter : taken_) visit(letter);
        taken_.clear();
        return true;
    }

private:
    Loop& loop_;
    std::size_t letters_max_;
    std::mutex mutex_;
    std::vector<T> letters_;
    std::vector<T> taken_;
};

}  // namespace roost
