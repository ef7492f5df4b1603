// group_key: the secret that the nodes of a group share, and the file that holds it.
//
// It is the secret half of an X25519 pair, which ZeroMQ calls CURVE: any 32 bytes are one. Its text
// is 64 hex digits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace roost {

using GroupKey = std::array<std::uint8_t, 32>;

// One, or two while a key is exchanged for another.
inline constexpr std::size_t group_keys_max = 2;

std::string text_of(const GroupKey& key);
// The half of the pair by which others name it.
GroupKey public_key_of(const GroupKey& key);
// What a key file says: a key on each line; blank lines and those that begin with # do not count.
// The error says which line is wrong, and never what it holds.
Result<std::vector<GroupKey>, std::string> parse_group_keys(std::string_view text);

}  // namespace roost
