// web_origin: from which web pages a browser may connect. RFC 6454, sections 6 and 7.
//
// A browser says in each WebSocket handshake which page's script opens it, and any page may open
// one to any server: the server has to look. What is no browser sends no Origin header, and could
// send any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace roost {

struct WebOrigin {
    std::string scheme, host;  // in lower case; an IPv6 host in its brackets
    std::uint16_t port = 0;    // that of the scheme where none is named

    bool operator==(const WebOrigin&) const = default;
};

// SCHEME://HOST[:PORT], as a browser sends it. Nothing for "null" and all else.
std::optional<WebOrigin> parse_web_origin(std::string_view text);

// Of a Host header: without its port, in lower case. Empty if it is none.
std::string host_of(std::string_view host_header);

struct OriginPattern {
    WebOrigin origin;
    bool is_any = false;         // "*"
    bool is_subdomains = false;  // "https://*.example.com": origin.host is ".example.com"

    bool operator==(const OriginPattern&) const = default;
    bool matches(const WebOrigin& other) const;
};

// The error says what was wrong and what would be right.
Result<OriginPattern, std::string> parse_origin_pattern(std::string_view text);

// The origins that may connect. Without patterns: those whose host is the host that was called.
class AllowedOrigins {
public:
    AllowedOrigins() = default;
    explicit AllowedOrigins(std::vector<OriginPattern> patterns) : patterns_(std::move(patterns)) {}

    // `origin` is empty where the request had none.
    bool allow(std::string_view origin, std::string_view host_header) const;

private:
    std::vector<OriginPattern> patterns_;
};

}  // namespace roost
