// latencies: how long things took, of any number of them, to within 2 %.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace roost::bench {

class Latencies {
public:
    void add(std::chrono::nanoseconds latency);
    std::uint64_t count() const { return count_; }
    // Microseconds. That of which `share` of all are no longer; 0 if there are none.
    double percentile(double share) const;
    double longest() const { return static_cast<double>(longest_) / 1e3; }

private:
    // A doubling of time has so many steps.
    static constexpr unsigned step_bits = 6;
    std::array<std::uint64_t, (64 - step_bits) << step_bits> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t longest_ = 0;
};

}  // namespace roost::bench
