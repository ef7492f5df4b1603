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

// For LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, with what it brings (`in`): 0 to go on, -1 to hang up; a
// refused handshake has got its answer then. A visitor that goes on has settled, or is postponed.
struct UpgradeChecks {
    Door& door;
    Visitors& visitors;
    TokenCheck& tokens;
    Time now;
    std::size_t message_bytes_max;  // of an echo
};
int check_upgrade(lws* wsi, const UpgradePaths& paths, const UpgradeChecks& checks,
                  Visitor& visitor, void* in);

// For LWS_CALLBACK_HTTP of a postponed visitor: false if the connection is to be ended.
bool begin_wait(lws* wsi, Door& door, Visitor& visitor);
// Tells those who have waited long enough that they are refused, and ends their connections. Not in
// a callback.
void refuse_postponed(Visitors& visitors, Time now);

}  // namespace roost
