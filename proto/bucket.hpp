// bucket: the class of a topic by hash, the unit of interest between nodes. Spec: proto/group.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace roost {

using Bucket = std::uint16_t;
// How many bits of the hash a group uses is part of its identity.
inline constexpr unsigned bucket_bits_min = 8;
inline constexpr unsigned bucket_bits_max = 16;

// FNV-1a of 64 bits, folded to 16: the same on every node, whatever its machine. The lower `bits`
// of it are the bucket.
inline Bucket bucket_of(std::string_view topic, unsigned bits = bucket_bits_max) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : topic) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    const auto folded = static_cast<Bucket>(hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48);
    return static_cast<Bucket>(folded & ((1U << bits) - 1));
}

}  // namespace roost
