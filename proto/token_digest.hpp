// token_digest: by what a token is known without being kept: 16 bytes of BLAKE2b.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace roost {

using TokenDigest = std::array<std::uint8_t, 16>;

TokenDigest digest_of(std::string_view token);

}  // namespace roost
