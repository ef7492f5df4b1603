#include "daemon/edge/link_monitor.hpp"

#include <cstring>
#include <utility>

#include "daemon/edge/log.hpp"
#include "daemon/edge/socket_address.hpp"
#include "proto/endpoint.hpp"

namespace roost {

namespace {

constexpr int made_or_failed =
    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr int come_or_gone = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;

LinkEvent::Failure failure_of(int event, std::uint32_t value) {
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return LinkEvent::Failure::not_admitted;
    if (event != ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) return LinkEvent::Failure::unknown;
    switch (value) {
        case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: return LinkEvent::Failure::mechanism;
        case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: return LinkEvent::Failure::key;
        default: return LinkEvent::Failure::unknown;
    }
}

}  // namespace

LinkMonitor::LinkMonitor(Loop& loop, zmq::context_t& context, zmq::socket_t& watched, Side side,
                         std::uint64_t number, OnEvent on_event)
    : watched_(watched),
      side_(side),
      on_event_(std::move(on_event)),
      port_(loop, context, zmq::socket_type::pair,
            [this](ZmqPort&, zmq::message_t& part) { on_part(part); }) {
    const std::string name = "inproc://links-" + std::to_string(number);
    const int events = made_or_failed | (side == Side::called ? come_or_gone : 0);
    if (zmq_socket_monitor(watched.handle(), name.c_str(), events) != 0) {
        log_line(LogLevel::error,
                 std::string("a socket cannot be watched: ") + zmq_strerror(zmq_errno()));
    }
    port_.socket().set(zmq::sockopt::linger, 0);
    port_.socket().connect(name);
}

LinkMonitor::~LinkMonitor() {
    zmq_socket_monitor(watched_.handle(), nullptr, 0);
}

// Event 2 | value 4, in the machine's own order.
LinkMonitor::Told LinkMonitor::read(const zmq::message_t& part) {
    std::uint16_t event = 0;
    std::uint32_t value = 0;
    if (part.size() < sizeof event + sizeof value) return {};
    std::memcpy(&event, part.data(), sizeof event);
    std::memcpy(&value, static_cast<const char*>(part.data()) + sizeof event, sizeof value);
    return {event, value};
}

void LinkMonitor::on_part(zmq::message_t& part) {
    if (part.more()) {
        told_ = read(part);
        return;
    }
    on_told(std::exchange(told_, {}), part.to_string());
}

void LinkMonitor::on_told(const Told& told, const std::string& endpoint) {
    // Its end would have come next: a later one is another's.
    if (failed_ && told.event != ZMQ_EVENT_DISCONNECTED) {
        on_event_(*std::exchange(failed_, std::nullopt));
    }
    switch (told.event) {
        case 0: return;
        case ZMQ_EVENT_ACCEPTED: return on_accepted(static_cast<int>(told.value), endpoint);
        case ZMQ_EVENT_DISCONNECTED: return on_ended(static_cast<int>(told.value));
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            return on_event_({LinkEvent::Kind::made, {}, endpoint, {}});
        default:
            on_failed({LinkEvent::Kind::failed, failure_of(told.event, told.value), endpoint, {}});
    }
}

void LinkMonitor::on_accepted(int fd, const std::string& endpoint) {
    callers_.erase(fd);  // the one before it may have ended unheard
    const auto own = parse_endpoint(endpoint.starts_with("tcp://") ? endpoint.substr(6) : endpoint);
    const auto caller = own ? peer_of(fd, own->port) : std::nullopt;
    if (caller) callers_[fd] = caller->text();
}

void LinkMonitor::on_ended(int fd) {
    const auto caller = callers_.extract(fd);
    if (!failed_) return;
    if (caller) failed_->caller = caller.mapped();
    on_event_(*std::exchange(failed_, std::nullopt));
}

void LinkMonitor::on_failed(LinkEvent event) {
    // Who is not admitted is told so before it is cut; the gatekeeper has named it.
    if (side_ == Side::calling || event.failure == LinkEvent::Failure::not_admitted) {
        return on_event_(event);
    }
    failed_ = std::move(event);
}

}  // namespace roost
