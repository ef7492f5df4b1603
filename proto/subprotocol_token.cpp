#include "proto/subprotocol_token.hpp"

#include <algorithm>

#include "proto/base64url.hpp"
#include "proto/header_text.hpp"

namespace roost {

namespace {

constexpr std::string_view prefix = "base64url.bearer.phx.";

std::optional<std::string> decoded(std::string text) {
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    text.erase(text.find_last_not_of('=') + 1);
    auto token = from_base64url(text);
    if (token && token->empty()) return std::nullopt;
    return token;
}

}  // namespace

std::optional<std::string> token_of_subprotocols(std::string_view header) {
    std::optional<std::string> found;
    while (!header.empty()) {
        const auto item = next_item(header);
        if (!item.starts_with(prefix)) continue;
        if (found) return std::nullopt;
        found = item.substr(prefix.size());
    }
    return found ? decoded(std::move(*found)) : std::nullopt;
}

}  // namespace roost
