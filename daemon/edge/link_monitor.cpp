#include "daemon/edge/link_monitor.hpp"

#include <cstring>
#include <utility>

#include "daemon/edge/log.hpp"

namespace roost {

namespace {

constexpr int watched_events =
    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

LinkEvent::Failure failure_of(int event, std::uint32_t value) {
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return LinkEvent::Failure::not_admitted;
    if (event != ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) return LinkEvent::Failure::unknown;
    switch (value) {
        case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: return LinkEvent::Failure::mechanism;
        case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: return LinkEvent::Failure::key;
        default: return LinkEvent::Failure::unknown;
    }
}

// Event 2 | value 4, in the machine's own order.
LinkEvent read_event(const zmq::message_t& part) {
    std::uint16_t event = 0;
    std::uint32_t value = 0;
    if (part.size() < sizeof event + sizeof value) return {};
    std::memcpy(&event, part.data(), sizeof event);
    std::memcpy(&value, static_cast<const char*>(part.data()) + sizeof event, sizeof value);
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return {LinkEvent::Kind::made, {}, {}};
    return {LinkEvent::Kind::failed, failure_of(event, value), {}};
}

}  // namespace

LinkMonitor::LinkMonitor(Loop& loop, zmq::context_t& context, zmq::socket_t& watched,
                         std::uint64_t number, OnEvent on_event)
    : watched_(watched),
      on_event_(std::move(on_event)),
      port_(loop, context, zmq::socket_type::pair,
            [this](ZmqPort&, zmq::message_t& part) { on_part(part); }) {
    const std::string name = "inproc://links-" + std::to_string(number);
    if (zmq_socket_monitor(watched.handle(), name.c_str(), watched_events) != 0) {
        log_line(LogLevel::error,
                 std::string("a socket cannot be watched: ") + zmq_strerror(zmq_errno()));
    }
    port_.socket().set(zmq::sockopt::linger, 0);
    port_.socket().connect(name);
}

LinkMonitor::~LinkMonitor() {
    zmq_socket_monitor(watched_.handle(), nullptr, 0);
}

void LinkMonitor::on_part(zmq::message_t& part) {
    if (part.more()) {
        event_ = read_event(part);
        return;
    }
    event_.endpoint = part.to_string();
    const LinkEvent event = std::exchange(event_, {});
    if (event.kind != LinkEvent::Kind::other) on_event_(event);
}

}  // namespace roost
