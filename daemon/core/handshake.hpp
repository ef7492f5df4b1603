// handshake: is this request for a WebSocket one that we take? In the order in which Phoenix looks:
// origin, version of its protocol, and then the headers of the WebSocket.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/refusal.hpp"
#include "proto/web_origin.hpp"

namespace roost {

// A request's headers as they came; empty where it had none.
struct Handshake {
    bool is_get = false;
    std::string host, origin, upgrade, connection, version, key, extensions, subprotocols;
    unsigned host_count = 1;
    bool is_vsn_spoken = false;
    bool is_token_cut = false;  // the end of the subprotocols, where a token stands, is not known
    // What is said of a body: a handshake has none.
    bool has_transfer_encoding = false;
    std::string content_length;
    unsigned content_length_count = 0;
};

struct Refused {
    Refusal reason{};
    unsigned status = 0;
    std::string_view sentence;
};

// What a request that says its length in two ways means, two programs may read differently.
std::optional<Refused> judge_lengths(const Handshake& request);
std::optional<Refused> judge(const Handshake& request, const AllowedOrigins& origins);

}  // namespace roost
