// admission: how many connections a node takes, all together and from one address.
//
// A connection arrives (TCP), and settles when its handshake has made it a WebSocket. Only what is
// settled counts for the limits that are answered (503, 429); arrivals beyond them are let in, to
// be told so, and because /healthz and /metrics come by the same door, but only `spare` of them,
// and as many of one address as may settle. A whole IPv6 /64 is one address: its users can take any
// in it. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "daemon/core/refusal.hpp"
#include "proto/address.hpp"

namespace roost {

struct AdmissionLimits {
    std::size_t connections_max = 1000;
    std::size_t spare = 64;
    std::size_t per_address_max = 0;  // 0: any number
};

// Whom a limit is for.
Address site_of(const Address& address);

// How many connections leave enough of `descriptors` for the group, the control socket and files
// (an eighth, and 128 at least), and for `spare` more connections. One at least.
std::size_t connections_for(std::size_t descriptors, std::size_t spare);
// The other way round; and it leaves enough for a large group, however few the connections are.
std::size_t descriptors_for(std::size_t connections, std::size_t spare);

class Admission {
public:
    explicit Admission(AdmissionLimits limits) : limits_(limits) {}

    // `who` is empty while it is not known: a proxy, or a unix socket. With a Refusal nothing has
    // been counted, and nothing is to be given back.
    std::optional<Refusal> arrive(const std::optional<Address>& who);
    void leave_arrived(const std::optional<Address>& who);
    // One that arrived as `arrived_as` becomes the WebSocket of `who`. With a Refusal it is still
    // an arrival.
    std::optional<Refusal> settle(const std::optional<Address>& arrived_as,
                                  const std::optional<Address>& who);
    // The same for one that is on a connection of others, which comes and goes: a client that
    // polls.
    std::optional<Refusal> settle(const std::optional<Address>& who);
    void leave_settled(const std::optional<Address>& who);

    std::size_t arrived() const { return arrived_; }
    std::size_t settled() const { return settled_; }
    std::size_t addresses() const { return counts_.size(); }

private:
    struct Counts {
        std::size_t arrived = 0, settled = 0;
    };

    std::size_t* count(const std::optional<Address>& who, std::size_t Counts::*kind);
    void give_back(const std::optional<Address>& who, std::size_t Counts::*kind);

    AdmissionLimits limits_;
    std::size_t arrived_ = 0, settled_ = 0;
    std::map<Address, Counts> counts_;
};

}  // namespace roost
