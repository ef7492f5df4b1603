// line_limit: one line of the log in a while, however often there is something to say.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace roost {

// Any thread may call.
class LineLimit {
public:
    // How many lines were suppressed before this one; nothing if this one is, too.
    std::optional<std::uint64_t> admit(std::chrono::milliseconds interval) {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
        auto last = last_ms_.load();
        const bool is_due = last == 0 || now - last >= interval.count();
        if (!is_due || !last_ms_.compare_exchange_strong(last, now)) {
            suppressed_.fetch_add(1);
            return std::nullopt;
        }
        return suppressed_.exchange(0);
    }

private:
    std::atomic<std::int64_t> last_ms_{0};
    std::atomic<std::uint64_t> suppressed_{0};
};

}  // namespace roost
