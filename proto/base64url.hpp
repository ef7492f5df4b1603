// base64url: bytes as the text of RFC 4648, section 5, without padding: what tokens are made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roost {

// Nothing if the text is not the one spelling of some bytes: a foreign character, padding, or bits
// left over that are not zero.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace roost
