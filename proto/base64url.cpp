#include "proto/base64url.hpp"

#include <sodium.h>

#include <algorithm>

namespace roost {

std::optional<std::string> from_base64url(std::string_view text) {
    // libsodium 1.0.18 takes any byte beyond ASCII for some letter.
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (!std::all_of(text.begin(), text.end(), is_ascii)) return std::nullopt;
    std::string bytes(text.size(), '\0');
    std::size_t size = 0;
    const int result = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                                         bytes.size(), text.data(), text.size(), nullptr, &size,
                                         nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (result != 0) return std::nullopt;
    bytes.resize(size);
    return bytes;
}

}  // namespace roost
