#include "proto/web_origin.hpp"

#include <algorithm>
#include <charconv>

#include "proto/header_text.hpp"

namespace roost {

namespace {

constexpr std::size_t host_bytes_max = 253;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// In lower case already.
bool is_host(std::string_view host) {
    if (host.empty() || host.size() > host_bytes_max) return false;
    if (host.starts_with('[')) {
        return host.ends_with(']') && host.size() > 3 &&
               host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdef:.") ==
                   std::string_view::npos;
    }
    return std::all_of(host.begin(), host.end(), [](char c) {
        return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
    });
}

std::uint16_t port_of(std::string_view scheme) {
    if (scheme == "http" || scheme == "ws") return 80;
    if (scheme == "https" || scheme == "wss") return 443;
    return 0;
}

// HOST[:PORT]. Where the port begins; npos if there is none.
std::size_t find_port(std::string_view text) {
    const auto colon = text.rfind(':');
    const auto bracket = text.rfind(']');
    if (colon == std::string_view::npos) return colon;
    return bracket != std::string_view::npos && colon < bracket ? std::string_view::npos : colon;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
        return std::nullopt;
    }
    return port;
}

}  // namespace

std::optional<WebOrigin> parse_web_origin(std::string_view text) {
    const auto mark = text.find("://");
    if (mark == std::string_view::npos || mark == 0) return std::nullopt;
    WebOrigin origin;
    origin.scheme = lower(text.substr(0, mark));
    const bool is_scheme = std::all_of(origin.scheme.begin(), origin.scheme.end(), [](char c) {
        return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.';
    });
    const auto rest = text.substr(mark + 3);
    const auto colon = find_port(rest);
    origin.host = lower(rest.substr(0, colon));
    if (!is_scheme || !is_host(origin.host)) return std::nullopt;
    origin.port = port_of(origin.scheme);
    if (colon == std::string_view::npos) return origin;
    const auto port = parse_port(rest.substr(colon + 1));
    if (!port) return std::nullopt;
    origin.port = *port;
    return origin;
}

std::string host_of(std::string_view host_header) {
    auto host = lower(host_header.substr(0, find_port(host_header)));
    return is_host(host) ? host : std::string();
}

bool OriginPattern::matches(const WebOrigin& other) const {
    if (is_any) return true;
    if (origin.scheme != other.scheme || origin.port != other.port) return false;
    if (!is_subdomains) return origin.host == other.host;
    return other.host.size() > origin.host.size() && other.host.ends_with(origin.host);
}

Result<OriginPattern, std::string> parse_origin_pattern(std::string_view text) {
    OriginPattern pattern;
    if (text == "*") {
        pattern.is_any = true;
        return pattern;
    }
    std::string plain(text);
    const auto star = plain.find("://*.");
    if (star != std::string::npos) {
        pattern.is_subdomains = true;
        plain.erase(star + 3, 1);
    }
    const auto origin = parse_web_origin(plain);
    const bool has_domain = !pattern.is_subdomains || (origin && origin->host.size() > 1);
    if (!origin || !has_domain) {
        return Unexpected{
            std::string("must be SCHEME://HOST[:PORT] without a path, as in "
                        "https://app.example.com, https://*.example.com or http://localhost:3000, "
                        "or * for every page")};
    }
    pattern.origin = *origin;
    return pattern;
}

bool AllowedOrigins::allow(std::string_view origin, std::string_view host_header) const {
    if (origin.empty()) return true;
    const auto is_any = [](const OriginPattern& pattern) { return pattern.is_any; };
    // Also "null", which sandboxed pages send.
    if (std::any_of(patterns_.begin(), patterns_.end(), is_any)) return true;
    const auto page = parse_web_origin(origin);
    if (!page) return false;
    if (patterns_.empty()) return page->host == host_of(host_header);
    return std::any_of(patterns_.begin(), patterns_.end(),
                       [&](const OriginPattern& pattern) { return pattern.matches(*page); });
}

}  // namespace roost
