// held_requests: connections whose HTTP request waits for its answer.
//
// libwebsockets 4.1.6 neither reads such a connection nor notices its end, and turns its loop for
// as long as there is something to read. So it is told not to look, and this looks whether the
// client is still there. One loop, one thread.
#pragma once

#include <functional>
#include <set>
#include <unordered_map>

#include "daemon/edge/loop.hpp"

struct lws;

namespace roost {

class HeldRequests {
public:
    HeldRequests(Loop& loop, std::function<void(lws*)> on_gone)
        : loop_(loop), on_gone_(std::move(on_gone)) {}

    // From within a callback of libwebsockets about the connection.
    void hold(lws* wsi);
    // Its answer has come. Nothing is done for one that is not held.
    void release(lws* wsi);
    // Its connection has ended.
    void forget(lws* wsi);
    // A few times a second.
    void tick();

private:
    Loop& loop_;
    std::function<void(lws*)> on_gone_;
    std::unordered_map<lws*, int> descriptors_;
    // They have said more, or hung up: which of both is not to be seen without reading, so that
    // they are asked at each tick.
    std::set<lws*> doubtful_;
};

}  // namespace roost
