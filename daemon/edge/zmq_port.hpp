// zmq_port: one ZeroMQ socket in a loop.
//
// ZMQ_FD is edge-triggered, and sending can swallow the edge: after anything was done with the
// socket its events are asked for again at the end of the turn. A turn takes a bounded number of
// messages, so that one busy socket does not hold up the loop.
#pragma once

#include <functional>
#include <string_view>
#include <zmq.hpp>

#include "daemon/edge/loop.hpp"

namespace roost {

class ZmqPort {
public:
    using OnMessage = std::function<void(ZmqPort&, zmq::message_t&)>;

    ZmqPort(Loop& loop, zmq::context_t& context, zmq::socket_type type, OnMessage on_message);
    ~ZmqPort();
    ZmqPort(const ZmqPort&) = delete;
    ZmqPort& operator=(const ZmqPort&) = delete;

    zmq::socket_t& socket() { return socket_; }
    // Never waits. False if it could not be sent.
    bool send(std::string_view bytes, zmq::send_flags flags = zmq::send_flags::none);
    bool send(zmq::message_t message);
    // Something was done with socket() that may have swallowed an edge.
    void touch() { is_touched_ = true; }
    // True if it received anything. Called by its owner at the end of the turn.
    bool service();

private:
    Loop& loop_;
    zmq::socket_t socket_;
    OnMessage on_message_;
    int fd_ = -1;
    bool is_touched_ = true;
};

}  // namespace roost
