// group_wire: what nodes say to each other beside broadcasts. Spec: proto/group.md.
//
// On PUB/SUB, messages begin with a key by which they are subscribed; no key is a prefix of
// another:
//
//   00                                heartbeat
//   01 | bucket 2                     broadcast (proto/broadcast.hpp)
//   ff | incarnation 8 | serial 8     answer to a fence: sorts last, so that on a reconnect, where
//                                     subscriptions are sent again in byte order, it proves the
//                                     rest
//
// On DEALER/ROUTER: hello, and its answers welcome and refusal. Their first two elements, the kind
// and the protocol version, stay what they are in every version.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/broadcast.hpp"
#include "proto/endpoint.hpp"
#include "proto/result.hpp"

namespace roost::group {

inline constexpr std::uint32_t protocol_version = 1;

inline constexpr char heartbeat_key = 0;
inline constexpr char fence_key = static_cast<char>(0xff);
inline constexpr std::size_t fence_key_bytes = 17;

std::string bucket_key(Bucket bucket);

struct FenceId {
    Incarnation asker = 0;
    std::uint64_t serial = 0;
    auto operator<=>(const FenceId&) const = default;
};
std::string key_of(const FenceId& fence);
std::optional<FenceId> fence_of(std::string_view key);

// Where one stream of the sender stands: its last number in this bucket.
struct StreamMark {
    std::uint8_t shard = 0;
    Bucket bucket = 0;
    std::uint64_t number = 0;
    bool operator==(const StreamMark&) const = default;
};

// Sent at a fixed interval. `moved` marks the streams that moved since the last heartbeat.
struct Heartbeat {
    Incarnation sender = 0;
    bool goodbye = false;
    std::vector<StreamMark> moved;
    bool operator==(const Heartbeat&) const = default;
};
struct FenceAnswer {
    FenceId fence;
    Incarnation sender = 0;
    bool operator==(const FenceAnswer&) const = default;
};

// Who a node is and whom it knows. An empty host means: the address you see me come from.
struct Identity {
    std::string group;
    std::string name;
    Incarnation incarnation = 0;
    std::string host;
    std::uint16_t router_port = 0;
    std::uint16_t pub_port = 0;
    std::uint32_t bits = bucket_bits;
    std::vector<Endpoint> known;
    bool operator==(const Identity&) const = default;
};
struct Hello {
    Identity identity;
    bool operator==(const Hello&) const = default;
};
struct Welcome {
    Identity identity;
    bool operator==(const Welcome&) const = default;
};
struct Refusal {
    std::string reason;
    bool operator==(const Refusal&) const = default;
};
// A message that could not be read only because it is of another version.
struct OtherVersion {
    std::uint32_t version = 0;
    bool operator==(const OtherVersion&) const = default;
};

using Published = std::variant<BroadcastRef, Heartbeat, FenceAnswer>;
using Directed = std::variant<Hello, Welcome, Refusal, OtherVersion>;

std::string encode(const Heartbeat& heartbeat);
std::string encode(const FenceAnswer& answer);
std::string encode(const Hello& hello);
std::string encode(const Welcome& welcome);
std::string encode(const Refusal& refusal);

// Bytes of a peer: hostile until parsed. The error names what was wrong.
Result<Published, std::string> decode_published(std::string_view bytes);
Result<Directed, std::string> decode_directed(std::string_view bytes);

}  // namespace roost::group
