// upgrade: the HTTP side of a client's connection: is this a handshake we take, and what to answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/client_message.hpp"

struct lws;

namespace roost {

struct HttpPage {
    unsigned status = 200;
    std::string type, body;
};

// False if the connection is to be ended.
bool write_head(lws* wsi, const HttpPage& page);
bool write_body(lws* wsi, std::string_view body);

// For LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: 0 to go on, 1 if the handshake was refused with an answer,
// -1 to hang up.
int check_upgrade(lws* wsi, std::string_view websocket_path);

// What the query's vsn says that the client speaks; nothing if it is not spoken here.
std::optional<Wire> wire_of(lws* wsi);

}  // namespace roost
