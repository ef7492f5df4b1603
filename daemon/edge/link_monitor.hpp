// link_monitor: what libzmq tells of one socket's connections, made or failed.
//
// Which failure shows was found by trial with libzmq 4.3.4. One side with a key and the other
// without is `mechanism`, mostly on both. Two different keys are `key` at the side that was called,
// while the caller only sees itself cut off: `unknown`, which is also any other end of a handshake.
//
// Of a bound socket it also says who called. libzmq tells of a failure without saying whose it is,
// but the end of the same connection, with its descriptor, is what it tells next of the socket: one
// I/O thread does both in one go (zmtp_engine.cpp and stream_engine_base.cpp of 4.3.4). Whose the
// descriptor is has been asked for when it was accepted. That may come too late, for a connection
// that is gone already; then nobody is named.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "daemon/edge/zmq_port.hpp"

namespace roost {

struct LinkEvent {
    enum class Kind { made, failed };
    enum class Failure { unknown, mechanism, key, not_admitted };
    Kind kind = Kind::made;
    Failure failure = Failure::unknown;
    // As the socket was connected at first, and by its resolved address from then on. Of a bound
    // socket it is the socket's own.
    std::string endpoint;
    // The address of who called a bound socket, without a port. Empty if it is not known.
    std::string caller;
};

class LinkMonitor {
public:
    using OnEvent = std::function<void(const LinkEvent&)>;
    enum class Side { calling, called };

    // The socket must live longer. `number` is used once in a context: libzmq lets go of a name
    // some time after it was used.
    LinkMonitor(Loop& loop, zmq::context_t& context, zmq::socket_t& watched, Side side,
                std::uint64_t number, OnEvent on_event);
    ~LinkMonitor();
    LinkMonitor(const LinkMonitor&) = delete;
    LinkMonitor& operator=(const LinkMonitor&) = delete;

    bool service() { return port_.service(); }

private:
    // What libzmq says: an event, its value, and the endpoint in a second part.
    struct Told {
        int event = 0;
        std::uint32_t value = 0;
    };

    void on_part(zmq::message_t& part);
    void on_told(const Told& told, const std::string& endpoint);
    void on_accepted(int fd, const std::string& endpoint);
    void on_ended(int fd);
    void on_failed(LinkEvent event);
    static Told read(const zmq::message_t& part);

    zmq::socket_t& watched_;
    Side side_;
    OnEvent on_event_;
    Told told_;                           // the one that is being received
    std::map<int, std::string> callers_;  // by descriptor, of which there are not many
    std::optional<LinkEvent> failed_;     // until it is known whose it is
    ZmqPort port_;
};

}  // namespace roost
