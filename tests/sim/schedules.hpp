// schedules: what happens to a simulated group, drawn from a seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace roost::sim {

// peace: clients come, speak and go. war: nodes and links die and return; those whom it does not
// touch notice nothing. lossless: links fail in every way, nodes only stand still: when all is
// healed nothing has vanished. resume: all of that, nodes die, clients leave and come back on
// other nodes. crowd: lossless with twenty nodes.
enum class Kind { peace, war, lossless, resume, crowd };
inline constexpr std::array<std::string_view, 5> kind_names = {"peace", "war", "lossless", "resume",
                                                               "crowd"};

struct Outcome {
    std::vector<std::string> breaches;
    std::size_t owed = 0;              // deliveries that were checked
    std::size_t owed_to_returned = 0;  // of those, to clients that were away at the time
    std::size_t deliveries = 0;
    std::uint64_t detected = 0, repaired = 0;  // messages that were missing for a while
    std::uint64_t history = 0;                 // everything that happened, in one number
    std::size_t recovered = 0;                 // returns of clients that were whole
};

using Trace = std::function<void(const std::string&)>;

Outcome run_schedule(Kind kind, std::uint64_t seed, const Trace& trace = {});

}  // namespace roost::sim
