// beacon: the datagram by which nodes of one network find each other. Spec: proto/group.md.
//
//   "RSTB" | version 1 | flags 1 | incarnation 8 | router port 2 | group n 1 | group | host n 1 |
//   host
//
// An empty host means the address the datagram came from. Flag 1: the node is leaving. Flag 2: a
// code follows, see proto/beacon_seal.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/broadcast.hpp"
#include "proto/endpoint.hpp"

namespace roost {

struct Beacon {
    Incarnation incarnation = 0;
    bool goodbye = false;
    std::string group;
    Endpoint router;
    bool operator==(const Beacon&) const = default;
};

inline constexpr std::size_t beacon_bytes_max = 512;  // with the code
inline constexpr std::size_t beacon_code_bytes = 32;
inline constexpr std::size_t beacon_flags_at = 5;
inline constexpr char beacon_flag_sealed = 2;

std::string encode(const Beacon& beacon);
// Nothing for anything that is no beacon of this version: other programs may use the port.
std::optional<Beacon> decode_beacon(std::string_view datagram);

}  // namespace roost
