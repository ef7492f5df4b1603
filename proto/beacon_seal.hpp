// beacon_seal: the proof that a beacon comes from a node that has the group's key.
//
//   beacon (proto/beacon.hpp), with flag 2 set | code 32
//
// The code is crypto_auth of libsodium (HMAC-SHA-512-256) over all that stands before it, the flag
// included, with a key that is derived from the group's for this one purpose. A datagram that is
// heard can be said again: it proves who wrote it, not who sends it, nor when.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/group_key.hpp"

namespace roost {

class BeaconSeal {
public:
    // The first key seals, any of them opens. Without keys, beacons go and come bare.
    explicit BeaconSeal(const std::vector<GroupKey>& keys);

    std::string seal(std::string_view beacon) const;

    struct Opened {
        std::string_view beacon;     // of the datagram: without the code
        std::string_view objection;  // why it is not believed, for people; empty if it is
    };
    // Of a datagram that is no beacon at all, the beacon is the same bytes.
    Opened open(std::string_view datagram) const;

private:
    std::vector<GroupKey> derived_;
};

}  // namespace roost
