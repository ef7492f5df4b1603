// endpoint: HOST:PORT, as flags, beacons and peers name it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace roost {

struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    auto operator<=>(const Endpoint&) const = default;
    // IPv6 hosts in brackets.
    std::string text() const;
    std::string tcp() const { return "tcp://" + text(); }
    bool is_wildcard() const { return host == "0.0.0.0" || host == "::" || host == "*"; }
};

// The error says what was wrong and what would be right.
Result<Endpoint, std::string> parse_endpoint(std::string_view text);

}  // namespace roost
