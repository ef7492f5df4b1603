// base64url: bytes as text.
//
// RFC 4648, section 5 without padding, of which tokens are made; and base64 of section 4 with
// padding, in which clients that speak only text send bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roost {

// Nothing if the text is not the one spelling of some bytes: a foreign character, wrong padding, or
// bits left over that are not zero.
std::optional<std::string> from_base64url(std::string_view text);
std::optional<std::string> from_base64(std::string_view text);

std::string to_base64url(std::string_view bytes);

}  // namespace roost
