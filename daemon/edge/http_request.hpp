// http_request: what stands in the head of a client's HTTP request.
//
// Of a request that libwebsockets is telling about: the head is gone when its callback is over.
#pragma once

#include <libwebsockets.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/handshake.hpp"
#include "proto/client_message.hpp"

namespace roost {

// The text of a header, lines of the same name joined by commas; empty if it is absent.
std::string header(lws* wsi, lws_token_indexes token);
// One that libwebsockets does not know, by its name in small letters, with the colon.
std::string header(lws* wsi, std::string_view name);

// Each NAME=VALUE of the query, decoded.
std::vector<std::string> arguments(lws* wsi);
// What stands behind each NAME= in it.
std::vector<std::string> arguments(lws* wsi, std::string_view name);

// What the query's vsn says that the client speaks; nothing if it is not spoken here.
std::optional<Wire> wire_of(lws* wsi);

Handshake read_handshake(lws* wsi);

// The client's token: from its subprotocols or X-Phoenix-AuthToken, as phoenix.js 1.8 sends it,
// from Authorization, or from the parameters of the socket. Empty if there is none.
std::string token_of(lws* wsi, std::string_view subprotocols);

bool is_head_request(lws* wsi);
// Has the client said that this request is its last?
bool wants_close(lws* wsi);

}  // namespace roost
