#include "daemon/core/client_address.hpp"

#include <algorithm>

#include "proto/header_text.hpp"

namespace roost {

namespace {

// Some proxies add the port: 192.0.2.7:5000, [2001:db8::7]:5000, [2001:db8::7].
std::optional<Address> parse_entry(std::string_view entry) {
    if (entry.starts_with('[')) {
        const auto bracket = entry.find(']');
        if (bracket == std::string_view::npos) return std::nullopt;
        const auto rest = entry.substr(bracket + 1);
        if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
        return parse_address(entry.substr(1, bracket - 1));
    }
    const auto colon = entry.find(':');
    const bool has_port =
        colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos;
    return parse_address(has_port ? entry.substr(0, colon) : entry);
}

}  // namespace

bool TrustedProxies::trust(const Address& address) const {
    if (address.family == Address::Family::local) return trusts_unix_;
    return std::any_of(blocks_.begin(), blocks_.end(),
                       [&](const AddressBlock& block) { return block.contains(address); });
}

Address TrustedProxies::client_of(const Address& peer, std::string_view forwarded_for) const {
    Address known = peer;
    while (trust(known) && !trim_blanks(forwarded_for).empty()) {
        const auto comma = forwarded_for.rfind(',');
        const bool is_last = comma == std::string_view::npos;
        const auto entry = trim_blanks(is_last ? forwarded_for : forwarded_for.substr(comma + 1));
        forwarded_for = is_last ? std::string_view() : forwarded_for.substr(0, comma);
        const auto address = parse_entry(entry);
        if (!address) return known;
        known = *address;
    }
    return known;
}

}  // namespace roost
