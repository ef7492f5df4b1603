// gatekeeper: answers libzmq when it asks whether a caller may come in (proto/zap.hpp).
//
// It must be there before the first socket that has a ZAP domain is bound: without it libzmq asks
// nobody, and lets everyone in. One of a process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/edge/zmq_port.hpp"
#include "proto/group_key.hpp"

namespace roost {

class Gatekeeper {
public:
    using OnRefused = std::function<void(const std::string& address)>;

    // Admits who holds one of these pairs, by its public half.
    Gatekeeper(Loop& loop, zmq::context_t& context, std::vector<GroupKey> admitted,
               OnRefused on_refused);

    bool service() { return port_.service(); }

private:
    void on_part(zmq::message_t& part);

    std::vector<GroupKey> admitted_;
    OnRefused on_refused_;
    std::vector<std::string> question_;
    ZmqPort port_;
};

}  // namespace roost
