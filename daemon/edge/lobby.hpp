// lobby: connections whose request is looked at before libwebsockets reads it.
//
// libwebsockets 4.1.6 has room for 126 bytes of Sec-WebSocket-Protocol, and the token of phoenix.js
// is longer. So the head is peeked at when it has come, the list is kept with the visitor, and the
// library is given the connection with nothing of it taken. Not for TLS that ends here: what comes
// there can only be read by the library. One loop, one thread.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "daemon/edge/loop.hpp"
#include "daemon/edge/visitors.hpp"

namespace roost {

class Lobby {
public:
    // Gets the connection, which is the callee's from then on.
    using OnReady = std::function<void(int fd, Visitor& visitor)>;

    Lobby(Loop& loop, std::size_t head_bytes_max, OnReady on_ready)
        : loop_(loop), head_(head_bytes_max), on_ready_(std::move(on_ready)) {}
    ~Lobby();
    Lobby(const Lobby&) = delete;
    Lobby& operator=(const Lobby&) = delete;

    void enter(int fd, Visitor& visitor);
    // Closes the connection of a visitor that is leaving. False if it is not here.
    bool close(const Visitor& visitor);

private:
    struct Guest {
        Visitor* visitor;
        std::size_t seen;
    };

    void look(int fd);

    Loop& loop_;
    std::vector<char> head_;
    OnReady on_ready_;
    std::map<int, Guest> guests_;
};

}  // namespace roost
