#include "daemon/edge/control_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <zmq.hpp>

#include "daemon/edge/start_error.hpp"
#include "daemon/edge/zmq_port.hpp"

namespace roost {

namespace {

// Messages waiting for one client that does not read.
constexpr int client_backlog = 10'000;

bool is_path_served(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool is_served =
        connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return is_served;
}

void prepare_path(const std::string& path) {
    if (is_path_served(path)) {
        throw StartError(exit_code::unavailable, "cannot bind ipc://" + path +
                                                     ": Address already in use (another daemon? "
                                                     "see --control)");
    }
    // The directory of the default for root; others are the operator's to make.
    const auto directory = path.substr(0, path.rfind('/'));
    if (!directory.empty()) mkdir(directory.c_str(), 0755);
}

}  // namespace

struct ControlSocket::Impl {
    OnRequest on_request;
    std::string route;
    int parts_before = 0;
    ZmqPort port;

    Impl(Loop& loop, zmq::context_t& context, OnRequest on_request_)
        : on_request(std::move(on_request_)),
          port(loop, context, zmq::socket_type::router,
               [this](ZmqPort&, zmq::message_t& part) { on_part(part); }) {}

    void on_part(zmq::message_t& part) {
        const std::string_view bytes(static_cast<const char*>(part.data()), part.size());
        if (part.more()) {
            if (parts_before++ == 0) route.assign(bytes);
        } else if (std::exchange(parts_before, 0) == 1) {
            on_request(route, bytes);
        }
    }
};

ControlSocket::ControlSocket(Loop& loop, zmq::context_t& context, const std::string& endpoint,
                             OnRequest on_request)
    : impl_(std::make_unique<Impl>(loop, context, std::move(on_request))) {
    auto& socket = impl_->port.socket();
    socket.set(zmq::sockopt::router_mandatory, true);
    socket.set(zmq::sockopt::sndhwm, client_backlog);
    socket.set(zmq::sockopt::linger, 100);
    socket.set(zmq::sockopt::maxmsgsize, std::int64_t{16} << 20);
    constexpr std::string_view ipc = "ipc://";
    if (endpoint.starts_with(ipc)) prepare_path(endpoint.substr(ipc.size()));
    try {
        socket.bind(endpoint);
    } catch (const zmq::error_t& error) {
        throw StartError::of_errno(
            error.num(), "cannot bind " + endpoint + ": " + error.what() + " (see --control)");
    }
}

ControlSocket::~ControlSocket() = default;

bool ControlSocket::send(const std::string& route, std::string_view bytes) {
    return impl_->port.send(route, zmq::send_flags::sndmore) && impl_->port.send(bytes);
}

bool ControlSocket::service() {
    return impl_->port.service();
}

}  // namespace roost
