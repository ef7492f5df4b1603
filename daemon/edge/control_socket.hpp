// control_socket: the ROUTER on which `roost` and backends talk to this node. One loop, one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/edge/loop.hpp"

namespace zmq {
class context_t;
}

namespace roost {

class ControlSocket {
public:
    using OnRequest = std::function<void(const std::string& route, std::string_view bytes)>;

    // Throws StartError: libzmq would take an ipc path away from the daemon that has it.
    ControlSocket(Loop& loop, zmq::context_t& context, const std::string& endpoint,
                  OnRequest on_request);
    ~ControlSocket();

    // False if the client is gone, or does not read.
    bool send(const std::string& route, std::string_view bytes);
    bool service();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
