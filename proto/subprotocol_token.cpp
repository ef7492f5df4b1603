#include "proto/subprotocol_token.hpp"

#include <sodium.h>

#include <algorithm>

namespace roost {

namespace {

constexpr std::string_view prefix = "base64url.bearer.phx.";

std::optional<std::string> decoded(std::string text) {
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    text.erase(text.find_last_not_of('=') + 1);
    std::string bytes(text.size(), '\0');
    std::size_t size = 0;
    const int error = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                                        bytes.size(), text.data(), text.size(), nullptr, &size,
                                        nullptr, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    if (error != 0 || size == 0) return std::nullopt;
    bytes.resize(size);
    return bytes;
}

}  // namespace

std::optional<std::string> token_of_subprotocols(std::string_view header) {
    std::optional<std::string> found;
    for (std::size_t at = 0; at < header.size();) {
        auto item = header.substr(at, header.find(',', at) - at);
        at += item.size() + 1;
        item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
        if (!item.starts_with(prefix)) continue;
        if (found) return std::nullopt;
        item = item.substr(prefix.size());
        found = std::string(item.substr(0, item.find_first_of(" \t")));
    }
    return found ? decoded(*found) : std::nullopt;
}

}  // namespace roost
