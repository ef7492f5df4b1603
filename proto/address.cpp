#include "proto/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace roost {

namespace {

constexpr std::array<std::uint8_t, 12> v4_in_v6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

constexpr unsigned bits_of(Address::Family family) {
    return family == Address::Family::v4 ? 32 : 128;
}

}  // namespace

std::string Address::text() const {
    if (family == Family::unknown) return "unknown";
    if (family == Family::local) return "unix";
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), buffer.data(),
              static_cast<socklen_t>(buffer.size()));
    return buffer.data();
}

Address Address::masked(unsigned bits) const {
    Address result = *this;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const unsigned first = static_cast<unsigned>(i) * 8;
        const unsigned kept = bits <= first ? 0 : std::min(8U, bits - first);
        result.bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xFF00U >> kept));
    }
    return result;
}

Address address_of_bytes(std::string_view bytes) {
    Address address;
    if (bytes.size() != 4 && bytes.size() != 16) return address;
    const bool is_v6 = bytes.size() == 16;
    std::array<std::uint8_t, 16> raw{};
    std::copy(bytes.begin(), bytes.end(), raw.begin());
    const bool is_mapped = is_v6 && std::equal(v4_in_v6.begin(), v4_in_v6.end(), raw.begin());
    if (is_v6 && !is_mapped) {
        address.family = Address::Family::v6;
        address.bytes = raw;
        return address;
    }
    address.family = Address::Family::v4;
    std::copy_n(raw.begin() + (is_mapped ? 12 : 0), 4, address.bytes.begin());
    return address;
}

std::optional<Address> parse_address(std::string_view text) {
    // A copy, because inet_pton wants an end; one with a zero inside would end there.
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string copy(text);
    std::array<char, 16> bytes{};
    if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) {
        return address_of_bytes({bytes.data(), 4});
    }
    if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) {
        return address_of_bytes({bytes.data(), 16});
    }
    return std::nullopt;
}

bool AddressBlock::contains(const Address& address) const {
    return address.family == base.family && address.masked(bits).bytes == base.bytes;
}

Result<AddressBlock, std::string> parse_address_block(std::string_view text) {
    const auto slash = text.find('/');
    const auto base = parse_address(text.substr(0, slash));
    if (!base) {
        return Unexpected{
            std::string("must be an address or a block of them, as in 10.0.0.0/8 or 2001:db8::7")};
    }
    const unsigned most = bits_of(base->family);
    if (slash == std::string_view::npos) return AddressBlock{*base, most};
    const auto digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > most) {
        return Unexpected{"the length after '/' must be a number from 0 to " +
                          std::to_string(most)};
    }
    const Address masked = base->masked(bits);
    if (masked != *base) {
        return Unexpected{"has bits beyond its length: did you mean " + masked.text() + "/" +
                          std::to_string(bits) + "?"};
    }
    return AddressBlock{*base, bits};
}

}  // namespace roost
