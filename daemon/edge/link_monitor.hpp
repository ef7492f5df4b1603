// link_monitor: what libzmq tells of one socket's connections, made or failed.
//
// Which failure shows was found by trial with libzmq 4.3.4. One side with a key and the other
// without is `mechanism`, mostly on both. Two different keys are `key` at the side that was called,
// while the caller only sees itself cut off: `unknown`, which is also any other end of a handshake.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <zmq.hpp>

#include "daemon/edge/zmq_port.hpp"

namespace roost {

struct LinkEvent {
    enum class Kind { other, made, failed };
    enum class Failure { unknown, mechanism, key, not_admitted };
    Kind kind = Kind::other;
    Failure failure = Failure::unknown;
    // As the socket was connected at first, and by its resolved address from then on. Of a bound
    // socket it is the socket's own.
    std::string endpoint;
};

class LinkMonitor {
public:
    using OnEvent = std::function<void(const LinkEvent&)>;

    // The socket must live longer. `number` is used once in a context: libzmq lets go of a name
    // some time after it was used.
    LinkMonitor(Loop& loop, zmq::context_t& context, zmq::socket_t& watched, std::uint64_t number,
                OnEvent on_event);
    ~LinkMonitor();
    LinkMonitor(const LinkMonitor&) = delete;
    LinkMonitor& operator=(const LinkMonitor&) = delete;

    bool service() { return port_.service(); }

private:
    void on_part(zmq::message_t& part);

    zmq::socket_t& watched_;
    OnEvent on_event_;
    LinkEvent event_;  // the one that is being received
    ZmqPort port_;
};

}  // namespace roost
