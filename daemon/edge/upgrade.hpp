// upgrade: the HTTP side of a client's connection: is this a handshake we take, and what to answer.
#pragma once

#include <string>
#include <string_view>

#include "daemon/core/bearer.hpp"
#include "daemon/core/handshake.hpp"

struct lws;

namespace roost {

class Door;
class Visitors;
struct Visitor;

struct HttpPage {
    unsigned status = 200;
    std::string type, body;
    bool is_last = false;  // the connection ends with it
};

// False if the connection is to be ended.
bool write_head(lws* wsi, const HttpPage& page);
bool write_body(lws* wsi, std::string_view body);

// Is a request for a page wrong: its method, or the length of its body? Then it has got its answer,
// and the connection is to be ended.
bool refuse_page(lws* wsi, Door& door, const Visitor& visitor);
bool is_head_request(lws* wsi);
// Has the client said that this request is its last?
bool wants_close(lws* wsi);

struct UpgradePaths {
    std::string_view websocket, echo;  // no echo: empty
};

// For LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: 0 to go on, -1 to hang up; a refused handshake has got its
// answer then. A visitor that goes on has settled.
struct UpgradeChecks {
    Door& door;
    Visitors& visitors;
    TokenCheck& tokens;
    Time now;
    std::size_t message_bytes_max;  // of an echo
};
int check_upgrade(lws* wsi, const UpgradePaths& paths, const UpgradeChecks& checks,
                  Visitor& visitor);

}  // namespace roost
