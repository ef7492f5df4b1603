// visitors: the connections of one shard, from accept to close, with their addresses.
//
// A visitor that does not become a WebSocket, or finish a request, in time is late. All wait for
// the same time, so that the order in which they are late is that in which they were last expected.
// One loop, one thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/core/bearer.hpp"
#include "daemon/core/handshake.hpp"
#include "daemon/core/time.hpp"
#include "daemon/edge/door.hpp"
#include "daemon/edge/echo.hpp"
#include "daemon/edge/http_page.hpp"
#include "proto/address.hpp"
#include "proto/backend.hpp"
#include "proto/client_message.hpp"

struct lws;

namespace roost {

struct Visitor;

// A refusal that is not told yet.
struct Postponed {
    Refused refused;
    bool is_waiting = false;  // the library has let go of the request
    std::multimap<Time, Visitor*>::iterator place;
};

struct Visitor {
    Address peer;    // of the connection
    Address client;  // whom it is for: another where a proxy stands between
    lws* wsi = nullptr;
    Time late_at{};
    int lobby_fd = -1;  // while it is in the lobby
    bool is_tls = false;
    bool is_settled = false;
    bool was_served = false;    // a page at least
    bool is_waiting = false;    // for an answer: it cannot be late
    bool is_left_open = false;  // its request, while it waits: the answer is near
    // Of a WebSocket that is none of /echo, until it is open.
    Wire wire = Wire::v2;
    std::unique_ptr<const Bearer> bearer;
    std::unique_ptr<backend::Request> greeting;  // where a backend decides who connects
    std::unique_ptr<Echo> echo;                  // of one of /echo
    std::unique_ptr<HttpPage> page;              // still to be written
    std::unique_ptr<Postponed> postponed;
    // Of its first request, if the library cuts it.
    std::unique_ptr<const std::string> subprotocols;
    std::list<Visitor>::iterator self;
};

class Visitors {
public:
    explicit Visitors(Door& door) : door_(door) {}
    ~Visitors();
    Visitors(const Visitors&) = delete;
    Visitors& operator=(const Visitors&) = delete;

    // nullptr: it is to be closed.
    Visitor* arrive(const Address& peer, Time now);
    // Another request may come.
    void expect(Visitor& visitor, Time now);
    std::optional<Refusal> settle(Visitor& visitor, const Address& client);
    // False if as many wait already as may: then it is told at once.
    bool postpone(Visitor& visitor, const Refused& refused, Time until, Time now);
    // One that has waited long enough, and what it is to be told; it is not postponed any longer.
    struct Due {
        lws* wsi;
        Refused refused;
    };
    std::optional<Due> next_to_refuse(Time now);
    void leave(Visitor& visitor);
    // The visitor that is late, which is then expected again, should it not go; nullptr if none is.
    Visitor* next_late(Time now);

private:
    Door& door_;
    std::list<Visitor> expected_, settled_;
    std::multimap<Time, Visitor*> postponed_;
};

}  // namespace roost
