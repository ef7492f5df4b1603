#include "tests/contract/cables.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace roost::contract {

namespace {

constexpr std::size_t flow_bytes = 65'536;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

int tcp_socket() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw std::runtime_error("no socket for a cable");
    return fd;
}

void make_ready(int fd) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Cables::Cables(std::size_t count, const Endpoint& target) : target_(target), cables_(count) {
    for (Cable& cable : cables_) {
        cable.listener = tcp_socket();
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (bind(cable.listener, generic, size) != 0 || listen(cable.listener, 16) != 0 ||
            getsockname(cable.listener, generic, &size) != 0) {
            throw std::runtime_error("no port for a cable");
        }
        cable.port = ntohs(address.sin_port);
        fcntl(cable.listener, F_SETFL, O_NONBLOCK);
    }
    wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    thread_ = std::thread([this] { run(); });
}

Cables::~Cables() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    eventfd_write(wake_, 1);
    thread_.join();
    for (Connection& connection : connections_) end(connection, Cut::whole);
    for (Cable& cable : cables_) close(cable.listener);
    close(wake_);
}

Endpoint Cables::end_of(std::size_t cable) const {
    return {"127.0.0.1", cables_[cable].port};
}

void Cables::cut(std::size_t cable, Cut cut) {
    const std::lock_guard lock(mutex_);
    for (Connection& connection : connections_) {
        if (connection.cable == cable && connection.peer >= 0) end(connection, cut);
    }
    eventfd_write(wake_, 1);
}

void Cables::cut_after(std::size_t cable, std::vector<std::size_t> bytes, Cut cut) {
    const std::lock_guard lock(mutex_);
    std::reverse(bytes.begin(), bytes.end());
    cables_[cable].cuts = std::move(bytes);
    cables_[cable].cut = cut;
}

void Cables::mute(std::size_t cable) {
    const std::lock_guard lock(mutex_);
    for (Connection& connection : connections_) {
        if (connection.cable == cable) connection.down.is_muted = true;
    }
    eventfd_write(wake_, 1);
}

std::size_t Cables::connections(std::size_t cable) const {
    const std::lock_guard lock(mutex_);
    return cables_[cable].connections;
}

bool Cables::is_at_rest(std::size_t cable) const {
    const std::lock_guard lock(mutex_);
    return cables_[cable].cuts.empty() &&
           std::any_of(connections_.begin(), connections_.end(), [&](const Connection& one) {
               return one.cable == cable && one.peer >= 0 && one.up.left_until_cut == SIZE_MAX;
           });
}

void Cables::reset(int& fd) {
    if (fd < 0) return;
    const linger abrupt{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    close(fd);
    fd = -1;
}

void Cables::end(Connection& connection, Cut cut) {
    reset(connection.peer);
    if (cut == Cut::half) return;
    reset(connection.publisher);
    connection.is_over = true;
}

void Cables::accept(std::size_t cable) {
    const int peer = accept4(cables_[cable].listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) return;
    Connection connection;
    connection.cable = cable;
    connection.peer = peer;
    connection.publisher = tcp_socket();
    const sockaddr_in address = loopback(target_.port);
    if (connect(connection.publisher, reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0) {
        return end(connection, Cut::whole);
    }
    make_ready(connection.peer);
    make_ready(connection.publisher);
    Cable& owner = cables_[cable];
    ++owner.connections;
    connection.cut = owner.cut;
    if (!owner.cuts.empty()) {
        connection.up.left_until_cut = owner.cuts.back();
        owner.cuts.pop_back();
    }
    connections_.push_back(std::move(connection));
}

bool Cables::forward(int from, int to, Flow& flow, short events_from, short events_to) {
    if (events_from != 0 && flow.bytes.empty()) {
        flow.bytes.resize(std::min(flow_bytes, flow.left_until_cut));
        const ssize_t got = recv(from, flow.bytes.data(), flow.bytes.size(), 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
        flow.bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        flow.at = 0;
        if (flow.left_until_cut != SIZE_MAX) flow.left_until_cut -= flow.bytes.size();
        events_to = POLLOUT;
    }
    if (events_to == 0 || flow.bytes.empty()) return true;
    const ssize_t sent = send(to, &flow.bytes[flow.at], flow.bytes.size() - flow.at, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    flow.at += static_cast<std::size_t>(sent);
    if (flow.at == flow.bytes.size()) flow.bytes.clear();
    return true;
}

void Cables::run() {
    std::unique_lock lock(mutex_);
    while (!is_stopping_) {
        std::vector<pollfd> polled{{wake_, POLLIN, 0}};
        for (const Cable& cable : cables_) polled.push_back({cable.listener, POLLIN, 0});
        const std::size_t first = polled.size();
        const auto wanted = [](const Flow& in, const Flow& out) {
            return static_cast<short>((in.is_muted || !in.bytes.empty() ? 0 : POLLIN) |
                                      (out.bytes.empty() ? 0 : POLLOUT));
        };
        for (const Connection& one : connections_) {
            // After half a cut the publisher's side is left as it is, unread.
            polled.push_back({one.peer, wanted(one.up, one.down), 0});
            polled.push_back({one.peer < 0 ? -1 : one.publisher, wanted(one.down, one.up), 0});
        }
        lock.unlock();
        poll(polled.data(), polled.size(), -1);
        lock.lock();

        eventfd_t count = 0;
        eventfd_read(wake_, &count);
        std::size_t at = first;
        for (Connection& one : connections_) {
            const auto peer = polled[at++].revents, publisher = polled[at++].revents;
            if (one.peer < 0) continue;
            constexpr short in = POLLIN | POLLHUP | POLLERR;
            const auto is = [](short events, int mask) {
                return static_cast<short>(events & mask);
            };
            const bool lives =
                forward(one.peer, one.publisher, one.up, is(peer, in), is(publisher, POLLOUT)) &&
                (one.down.is_muted ||
                 forward(one.publisher, one.peer, one.down, is(publisher, in), is(peer, POLLOUT)));
            if (!lives) {
                end(one, Cut::whole);
            } else if (one.up.left_until_cut == 0 && one.up.bytes.empty()) {
                end(one, one.cut);
            }
        }
        connections_.remove_if([](const Connection& one) { return one.is_over; });
        for (std::size_t i = 0; i < cables_.size(); ++i) {
            if (polled[1 + i].revents != 0) accept(i);
        }
    }
}

}  // namespace roost::contract
