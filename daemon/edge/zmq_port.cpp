#include "daemon/edge/zmq_port.hpp"

namespace roost {

namespace {
constexpr int messages_a_turn = 1000;
}

ZmqPort::ZmqPort(Loop& loop, zmq::context_t& context, zmq::socket_type type, OnMessage on_message)
    : loop_(loop), socket_(context, type), on_message_(std::move(on_message)) {
    fd_ = socket_.get(zmq::sockopt::fd);
    loop_.on_readable(fd_, [this] { touch(); });
}

ZmqPort::~ZmqPort() {
    loop_.forget(fd_);
}

bool ZmqPort::send(std::string_view bytes, zmq::send_flags flags) {
    touch();
    try {
        return socket_.send(zmq::buffer(bytes), flags | zmq::send_flags::dontwait).has_value();
    } catch (const zmq::error_t&) {
        return false;  // no such peer any more
    }
}

bool ZmqPort::send(zmq::message_t message) {
    touch();
    try {
        return socket_.send(message, zmq::send_flags::dontwait).has_value();
    } catch (const zmq::error_t&) {
        return false;  // no such peer any more
    }
}

bool ZmqPort::service() {
    if (!is_touched_) return false;
    is_touched_ = false;
    bool is_busy = false;
    zmq::message_t message;
    for (int i = 0; i < messages_a_turn; ++i) {
        if (!socket_.recv(message, zmq::recv_flags::dontwait)) return is_busy;
        is_busy = true;
        on_message_(*this, message);
    }
    touch();
    loop_.wake();
    return false;
}

}  // namespace roost
