// since: from where a channel wants to be told what it missed. Spec: proto/client.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "proto/broadcast.hpp"
#include "proto/result.hpp"

namespace roost {

// The last number of each origin that a client knows.
using Positions = std::map<Origin, std::uint64_t>;

struct SinceNow {
    bool operator==(const SinceNow&) const = default;
};
struct SinceLast {
    std::uint64_t count = 0;
    bool operator==(const SinceLast&) const = default;
};
struct SinceSeconds {
    std::uint64_t seconds = 0;
    bool operator==(const SinceSeconds&) const = default;
};
using Since = std::variant<SinceNow, Positions, SinceLast, SinceSeconds>;

// The `since` of a join: raw, valid JSON. The error says what would be right.
Result<Since, std::string> parse_since(std::string_view raw);

// The object {"origin": number, ...}.
std::string positions_json(const Positions& positions);

}  // namespace roost
