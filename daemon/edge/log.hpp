// log: facts and sentences for the operator, on stderr, in the journal's form under systemd.
//
// Lines that clients can cause are limited to one a second for each kind, those of refused tokens
// to one a minute; what was suppressed is counted in the next line. Any thread may call.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/core/fact.hpp"
#include "daemon/edge/line_limit.hpp"

namespace roost {

enum class LogLevel { debug, info, warning, error };

void start_log(LogLevel level);
void log_line(LogLevel level, std::string_view text);

class FactLog {
public:
    void note(const Fact& fact);
    std::uint64_t count(FactKind kind) const {
        return counts_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
    }

private:
    std::array<std::atomic<std::uint64_t>, fact_kinds> counts_{};
    std::array<LineLimit, fact_kinds> limits_{};
};

}  // namespace roost
