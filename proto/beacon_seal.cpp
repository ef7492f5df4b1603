#include "proto/beacon_seal.hpp"

#include <sodium.h>

#include <algorithm>

#include "proto/beacon.hpp"

namespace roost {

namespace {

constexpr std::string_view purpose = "roost beacon 1";
static_assert(crypto_auth_BYTES == beacon_code_bytes);
static_assert(crypto_auth_KEYBYTES == sizeof(GroupKey));

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

GroupKey derive(const GroupKey& key) {
    GroupKey derived{};
    crypto_generichash(derived.data(), derived.size(), bytes_of(purpose), purpose.size(),
                       key.data(), key.size());
    return derived;
}

}  // namespace

BeaconSeal::BeaconSeal(const std::vector<GroupKey>& keys) {
    for (const GroupKey& key : keys) derived_.push_back(derive(key));
}

std::string BeaconSeal::seal(std::string_view beacon) const {
    std::string sealed(beacon);
    if (derived_.empty() || sealed.size() <= beacon_flags_at) return sealed;
    sealed[beacon_flags_at] = static_cast<char>(sealed[beacon_flags_at] | beacon_flag_sealed);
    std::array<unsigned char, crypto_auth_BYTES> code{};
    crypto_auth(code.data(), bytes_of(sealed), sealed.size(), derived_.front().data());
    return sealed.append(code.begin(), code.end());
}

BeaconSeal::Opened BeaconSeal::open(std::string_view datagram) const {
    const bool is_sealed = datagram.size() > beacon_flags_at + beacon_code_bytes &&
                           (datagram[beacon_flags_at] & beacon_flag_sealed) != 0;
    if (!is_sealed) return {datagram, derived_.empty() ? "" : "its beacon has no group key"};
    const auto beacon = datagram.substr(0, datagram.size() - beacon_code_bytes);
    if (derived_.empty()) return {beacon, "its beacon has a group key, this node has none"};
    const auto code = datagram.substr(beacon.size());
    const bool is_ours = std::any_of(derived_.begin(), derived_.end(), [&](const GroupKey& key) {
        return crypto_auth_verify(bytes_of(code), bytes_of(beacon), beacon.size(), key.data()) == 0;
    });
    return {beacon, is_ours ? "" : "its beacon has another group key"};
}

}  // namespace roost
