// subprotocol_token: the token that phoenix.js 1.8 sends among the names of subprotocols.
//
//   Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.czNjcmV0
//
// In spite of its name it is standard base64 without padding that phoenix.js sends; base64url, and
// padding, are taken as well.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roost {

// Nothing if there is none, or more than one, or it is no base64.
std::optional<std::string> token_of_subprotocols(std::string_view header);

}  // namespace roost
