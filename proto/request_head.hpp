// request_head: what is looked up in the head of an HTTP request before libwebsockets reads it.
//
// Not a parser of HTTP: libwebsockets is that, and judges the same bytes afterwards. Pure
// functions; any thread may call them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roost {

// Whether the empty line is there, which ends the head (RFC 9112, section 2.1).
bool is_head_whole(std::string_view bytes);

// The values of Sec-WebSocket-Protocol as one list (RFC 9110, section 5.3). Empty if there are
// none.
std::string subprotocols_of(std::string_view head);

}  // namespace roost
