// rate_limit: so many a second, and a burst of so many at once.
//
// A token bucket that is kept as one point in time for each who is limited: until when what they
// took is paid for (the generic cell rate algorithm of ATM). Whoever they are keep that point.
#pragma once

#include <algorithm>
#include <cstdint>

#include "daemon/core/time.hpp"

namespace roost {

class RateLimit {
public:
    // A rate of 0 limits nothing.
    RateLimit(std::uint32_t per_second, std::uint32_t burst)
        : cost_(per_second == 0 ? Duration{} : Duration(std::chrono::seconds(1)) / per_second),
          room_(cost_ * std::max(burst, 1U)) {}

    bool admit(Time& paid_until, Time now) const {
        const Time paid = std::max(paid_until, now) + cost_;
        if (paid - now > room_) return false;
        paid_until = paid;
        return true;
    }

private:
    Duration cost_, room_;
};

}  // namespace roost
