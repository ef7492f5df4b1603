// endpoint: HOST:PORT, as flags, beacons and peers name it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "proto/result.hpp"

namespace roost {

struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    bool operator==(const Endpoint&) const = default;
    bool operator<(const Endpoint& other) const {
        return std::tie(host, port) < std::tie(other.host, other.port);
    }
    // IPv6 hosts in brackets.
    std::string text() const;
    std::string tcp() const { return "tcp://" + text(); }
    // Another name than localhost may mean any machine.
    bool is_loopback() const;
    bool is_wildcard() const { return host == "0.0.0.0" || host == "::" || host == "*"; }
};

// The error says what was wrong and what would be right.
Result<Endpoint, std::string> parse_endpoint(std::string_view text);

}  // namespace roost
