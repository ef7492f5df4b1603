// bucket: the class of a topic by hash, the unit of interest between nodes. Spec: proto/group.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace roost {

using Bucket = std::uint16_t;
inline constexpr unsigned bucket_bits = 16;

// FNV-1a of 64 bits, folded to 16: the same on every node, whatever its machine.
inline Bucket bucket_of(std::string_view topic) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : topic) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return static_cast<Bucket>(hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48);
}

}  // namespace roost
