#include "proto/endpoint.hpp"

#include <charconv>

#include "proto/address.hpp"

namespace roost {

std::string Endpoint::text() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Endpoint::is_loopback() const {
    if (host == "localhost") return true;
    const auto address = parse_address(host);
    if (!address) return false;
    const bool is_v4 = address->family == Address::Family::v4;
    return is_v4 ? address->bytes[0] == 127 : address->text() == "::1";
}

Result<Endpoint, std::string> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return Unexpected{std::string("must be HOST:PORT, as in 192.0.2.7:7370")};
    }
    auto host = text.substr(0, colon);
    const auto digits = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return Unexpected{std::string("an IPv6 host must stand in brackets, as in [::1]:7370")};
    }
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65535) {
        return Unexpected{std::string("the port must be a number from 1 to 65535")};
    }
    if (host.empty() || host.size() > 253 ||
        host.find_first_of(" \t\n/") != std::string_view::npos) {
        return Unexpected{std::string("the host must be a name or an address")};
    }
    return Endpoint{std::string(host), static_cast<std::uint16_t>(port)};
}

}  // namespace roost
