// mailbox: a bounded FIFO queue into a loop, from any thread.
//
// Producers put; the loop drains at the end of its turns. What does not fit is refused and counted
// by the producer: a loop that has stopped must not take the memory of the node with it.
#pragma once

#include <algorithm>
#include <cstdint>
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

    // False if the box is full: for what can be lost and noticed by its number.
    [[nodiscard]] bool put(T letter) { return add(std::move(letter), letters_max_); }
    // For the few letters on which the loops rely.
    void insist(T letter) { (void)add(std::move(letter), SIZE_MAX); }

    // On the loop's thread: some of what is there. True if there was anything.
    template <class Visit>
    bool drain(Visit visit) {
        if (at_ == taken_.size()) {
            taken_.clear();
            at_ = 0;
            const std::lock_guard lock(mutex_);
            taken_.swap(letters_);
        }
        const std::size_t end = std::min(taken_.size(), at_ + letters_a_round);
        const bool is_busy = at_ < end;
        while (at_ < end) visit(taken_[at_++]);
        return is_busy;
    }

private:
    static constexpr std::size_t letters_a_round = 512;

    bool add(T letter, std::size_t most) {
        bool was_empty = false;
        {
            const std::lock_guard lock(mutex_);
            if (letters_.size() >= most) return false;
            was_empty = letters_.empty();
            letters_.push_back(std::move(letter));
        }
        // In its own turn the loop drains it anyway before it waits.
        if (was_empty && !loop_.is_own_thread()) loop_.wake();
        return true;
    }

    Loop& loop_;
    std::size_t letters_max_;
    std::mutex mutex_;
    std::vector<T> letters_;
    std::vector<T> taken_;
    std::size_t at_ = 0;  // of taken_: what has been visited
};

}  // namespace roost
