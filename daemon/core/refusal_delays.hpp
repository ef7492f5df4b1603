// refusal_delays: how long a client whose tokens are refused again and again waits for its answer.
//
// Clients with a dead token connect again and again, for hours, some of them without a pause: they
// wait for the answer instead. The first refusals of an address are answered at once, each one
// after them twice as late as the one before, up to a limit; as time goes by they are forgiven one
// after the other. Only refusals wait: a good token is taken at once, wherever it comes from.
//
// Of so many addresses at most it is known how often they were refused; the one that has been quiet
// for longest is forgotten first. A network of 64 bits of IPv6 is one address. Not thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <map>

#include "daemon/core/time.hpp"
#include "proto/address.hpp"

namespace roost {

struct DelayLimits {
    unsigned at_once = 5;                                // so many in a row do not wait
    Duration forgiven_after = std::chrono::seconds(12);  // each: at_once of them in a minute
    Duration first = std::chrono::milliseconds(250);
    Duration longest = std::chrono::seconds(5);
    std::size_t addresses_max = 10'000;
};

class RefusalDelays {
public:
    explicit RefusalDelays(DelayLimits limits);

    // A token of this address is refused: how long the answer waits.
    Duration next(const Address& client, Time now);
    std::size_t addresses() const { return histories_.size(); }

private:
    struct History {
        unsigned refusals = 0;  // that are not forgiven
        Time forgiven_until{};
        std::list<Address>::iterator place;
    };

    History& history_of(const Address& site, Time now);
    void make_room(Time now);

    DelayLimits limits_;
    unsigned refusals_max_;  // more make no answer later
    // A tree: what clients choose must not decide how long it takes to find something.
    std::map<Address, History> histories_;
    std::list<Address> by_last_refusal_;  // the longest ago first
};

}  // namespace roost
