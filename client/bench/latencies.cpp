#include "client/bench/latencies.hpp"

#include <algorithm>
#include <bit>

namespace roost::bench {

void Latencies::add(std::chrono::nanoseconds latency) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
    // Below 2^step_bits every value has a place of its own; above, the first bits decide.
    const auto bits = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = bits > step_bits + 1 ? bits - step_bits - 1 : 0;
    const std::size_t place = (std::size_t{shift} << step_bits) + (value >> shift);
    ++counts_[std::min(place, counts_.size() - 1)];
    ++count_;
    longest_ = std::max(longest_, value);
}

double Latencies::percentile(double share) const {
    std::uint64_t seen = 0;
    for (std::size_t place = 0; place < counts_.size(); ++place) {
        seen += counts_[place];
        if (seen == 0 || static_cast<double>(seen) < share * static_cast<double>(count_)) continue;
        const std::size_t shift = place < (2U << step_bits) ? 0 : (place >> step_bits) - 1;
        const std::uint64_t value = (place - (shift << step_bits)) << shift;
        return static_cast<double>(std::min(value, longest_)) / 1e3;
    }
    return 0;
}

}  // namespace roost::bench
