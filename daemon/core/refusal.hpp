// refusal: why a connection was not let in: a closed list, for answers, counters and the journal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roost {

enum class Refusal : std::uint8_t {
    method,
    path,
    lengths,
    origin,
    vsn,
    header,
    subprotocol,
    token,
    node_full,
    address_full,
    // Without an answer:
    arrivals,  // more are at the door than may wait there
    slow,
};
inline constexpr std::size_t refusals = static_cast<std::size_t>(Refusal::slow) + 1;

constexpr std::string_view name_of(Refusal refusal) {
    constexpr std::array<std::string_view, refusals> names = {
        "method",      "path",  "lengths",   "origin",       "vsn",      "header",
        "subprotocol", "token", "node_full", "address_full", "arrivals", "slow"};
    return names[static_cast<std::size_t>(refusal)];
}

}  // namespace roost
