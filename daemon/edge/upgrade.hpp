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

// Is a request for a page wrong: its method, or the length of its body? Then it has got its answer,
// and the connection is to be ended.
bool refuse_page(lws* wsi, Door& door, const Visitor& visitor);

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
