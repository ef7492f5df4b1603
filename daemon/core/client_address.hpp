// client_address: who a client is when proxies stand between: which X-Forwarded-For is believed.
//
// Each proxy adds the address that called it at the right. So the list is read from the right, for
// as long as the addresses are proxies that are trusted; the first that is not one is the client,
// and what stands left of it is what the client said of itself.
#pragma once

#include <string_view>
#include <vector>

#include "proto/address.hpp"

namespace roost {

class TrustedProxies {
public:
    TrustedProxies() = default;
    TrustedProxies(std::vector<AddressBlock> blocks, bool trusts_unix)
        : blocks_(std::move(blocks)), trusts_unix_(trusts_unix) {}

    bool trust(const Address& address) const;
    // `forwarded_for` is the header, of all its lines, or empty. Where an entry is no address the
    // proxy that passed it on is the best that is known.
    Address client_of(const Address& peer, std::string_view forwarded_for) const;

private:
    std::vector<AddressBlock> blocks_;
    bool trusts_unix_ = false;
};

}  // namespace roost
