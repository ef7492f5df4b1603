// schedules: what is done to a simulated group, drawn from a seed: the same seed, the same history.
//
//   peace     clients join, speak and leave; nothing goes wrong
//   war       cuts, one-way cuts, crashes, restarts, flaps, pauses, clocks that jump
//   crowd     war among twenty nodes
//   lossless  drops, cuts up to 30 s, flaps, one-way cuts, pauses, but seldom a crash: nothing may
//             vanish
//   resume    clients go away and come back on any node, with their positions
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/cluster.hpp"

namespace roost::sim {

enum class Kind : std::uint8_t { peace, war, crowd, lossless, resume };
inline constexpr Kind kinds[] = {Kind::peace, Kind::war, Kind::crowd, Kind::lossless, Kind::resume};

std::string_view name_of(Kind kind);
std::optional<Kind> kind_of_name(std::string_view name);

// What the core is able to keep. Without `repair` and `resume` the schedules run all the same, and
// what is promised in any case is checked: no message twice, each publisher's in order.
struct Promises {
    bool repair = false;
    bool resume = false;
};
inline constexpr Promises kept_by_the_core{false, false};

struct Outcome {
    std::vector<std::string> breaches;
    std::size_t deliveries = 0;
    std::size_t owed = 0;
    std::size_t owed_to_returned = 0;
    std::size_t excused = 0;  // by a gap that was announced
    std::size_t recovered = 0, not_recovered = 0;
    std::uint64_t history = 0;
};

Outcome run_schedule(Kind kind, std::uint64_t seed, const Promises& promises = kept_by_the_core,
                     Trace trace = {});

}  // namespace roost::sim
