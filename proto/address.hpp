// address: the address of a client, and blocks of addresses (CIDR).
//
// An IPv4 address inside IPv6 (::ffff:192.0.2.7) is that IPv4 address: a listener on [::] sees its
// IPv4 clients so.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace roost {

struct Address {
    // local: the other end of a unix socket, which has no address.
    enum class Family : std::uint8_t { unknown, local, v4, v6 };

    Family family = Family::unknown;
    std::array<std::uint8_t, 16> bytes{};  // of IPv4 the first four

    auto operator<=>(const Address&) const = default;
    // "192.0.2.7", "2001:db8::7", "unix", "unknown".
    std::string text() const;
    // The bits after the first `bits` are zero.
    Address masked(unsigned bits) const;
};

// As the network carries it: 4 or 16 bytes.
Address address_of_bytes(std::string_view bytes);

// A bare address, without a port.
std::optional<Address> parse_address(std::string_view text);

struct AddressBlock {
    Address base;
    unsigned bits = 0;

    bool operator==(const AddressBlock&) const = default;
    bool contains(const Address& address) const;
};

// "10.0.0.0/8", "2001:db8::/32", or one address. Bits beyond the prefix must be zero: what was
// meant is not guessed. The error says what was wrong and what would be right.
Result<AddressBlock, std::string> parse_address_block(std::string_view text);

}  // namespace roost
