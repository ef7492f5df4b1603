// time: the moments and durations of the core. They are passed in; nothing in here reads a clock.
#pragma once

#include <chrono>

namespace roost {

using Duration = std::chrono::microseconds;

struct Timeline {};
// Since an arbitrary beginning, the same for all loops of a process.
using Time = std::chrono::time_point<Timeline, Duration>;

inline constexpr Time never = Time::max();

}  // namespace roost
