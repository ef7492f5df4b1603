#include "tests/bench/crowd.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace roost::bench {

namespace {

constexpr std::size_t buffer_bytes = 1 << 18;
constexpr std::size_t connects_at_a_time = 128;
constexpr int join_wait = 20'000;
// Of the 28,000 ports that an address has for connections to one server.
constexpr std::size_t clients_per_address = 20'000;
constexpr std::array<unsigned char, 4> mask{0x37, 0xfa, 0x21, 0x3d};

constexpr std::string_view upgrade_request =
    "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint32_t last, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(0x7f000000U + last);
    return address;
}

std::string client_frame(unsigned opcode, std::string_view content) {
    std::string frame(1, static_cast<char>(0x80U | opcode));
    if (content.size() < 126) {
        frame.push_back(static_cast<char>(0x80U | content.size()));
    } else if (content.size() < 65'536) {
        frame.push_back(static_cast<char>(0xfe));
        frame.push_back(static_cast<char>(content.size() >> 8));
        frame.push_back(static_cast<char>(content.size() & 0xff));
    } else {
        throw std::length_error("a frame of the load is below 64 KiB");
    }
    for (const unsigned char byte : mask) frame.push_back(static_cast<char>(byte));
    for (std::size_t i = 0; i < content.size(); ++i) {
        frame.push_back(static_cast<char>(static_cast<unsigned char>(content[i]) ^ mask[i % 4]));
    }
    return frame;
}

struct Head {
    std::size_t head_bytes;
    std::size_t content_bytes;
};

// Nothing if the head is not whole. A server's frames are not masked.
std::optional<Head> head_of(std::string_view bytes) {
    const auto byte = [&](std::size_t i) {
        return std::size_t{static_cast<unsigned char>(bytes[i])};
    };
    if (bytes.size() < 2) return std::nullopt;
    if (byte(1) < 126) return Head{2, byte(1)};
    if (byte(1) == 126) {
        if (bytes.size() < 4) return std::nullopt;
        return Head{4, byte(2) << 8 | byte(3)};
    }
    throw std::runtime_error("a frame of 64 KiB or more is none that this load expects");
}

}  // namespace

std::string text_frame(std::string_view content) {
    return client_frame(1, content);
}

Crowd::Crowd(std::uint16_t port) : port_(port), buffer_(buffer_bytes) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) fail("epoll_create1");
}

Crowd::~Crowd() {
    for (const Client& client : clients_) {
        // A reset leaves no port behind in TIME_WAIT for the next run to miss.
        const linger at_once{1, 0};
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(client.fd);
    }
    close(epoll_);
}

void Crowd::connect_one() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    const std::size_t index = clients_.size();
    clients_.push_back(Client{fd, Stage::upgrading, {}});
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const auto own = loopback(static_cast<std::uint32_t>(1 + index / clients_per_address), 0);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) < 0) fail("bind");
    const auto server = loopback(1, port_);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) < 0) fail("connect");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) fail("fcntl");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
    send(index, upgrade_request);
}

void Crowd::join(std::size_t count, const TopicOf& topic_of) {
    topic_of_ = topic_of;
    while (joined_ < count) {
        while (clients_.size() < count && clients_.size() - joined_ < connects_at_a_time) {
            connect_one();
        }
        if (!read(join_wait, [](std::size_t, std::string_view) {})) {
            throw std::runtime_error("no join reply came for too long");
        }
    }
}

void Crowd::send(std::size_t client, std::string_view frames) {
    const auto sent = ::send(clients_[client].fd, frames.data(), frames.size(), MSG_NOSIGNAL);
    if (sent < 0) fail("send");
    if (static_cast<std::size_t>(sent) != frames.size()) {
        throw std::runtime_error("the server does not read what a client sends");
    }
}

bool Crowd::read(int milliseconds, const OnText& on_text) {
    std::array<epoll_event, 1024> events;
    const int ready =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; ++i) {
        read_one(static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64), on_text);
    }
    return ready != 0;
}

void Crowd::read_one(std::size_t client, const OnText& on_text) {
    const auto got = recv(clients_[client].fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) fail("recv");
    if (got == 0) throw std::runtime_error("the server closed client " + std::to_string(client));
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    std::string& rest = clients_[client].rest;
    if (rest.empty()) {
        const auto taken = take(client, bytes, on_text);
        if (taken < bytes.size()) rest = bytes.substr(taken);
        return;
    }
    rest.append(bytes);
    rest.erase(0, take(client, rest, on_text));
}

std::size_t Crowd::take(std::size_t client, std::string_view bytes, const OnText& on_text) {
    std::size_t taken = 0;
    if (clients_[client].stage == Stage::upgrading) {
        taken = take_upgrade(client, bytes);
        if (taken == 0) return 0;
    }
    while (const auto head = head_of(bytes.substr(taken))) {
        const std::size_t size = head->head_bytes + head->content_bytes;
        if (bytes.size() - taken < size) break;
        take_frame(client, static_cast<unsigned char>(bytes[taken]) & 15U,
                   bytes.substr(taken + head->head_bytes, head->content_bytes), on_text);
        taken += size;
    }
    return taken;
}

std::size_t Crowd::take_upgrade(std::size_t client, std::string_view bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    if (!bytes.starts_with("HTTP/1.1 101")) throw std::runtime_error("an upgrade was refused");
    clients_[client].stage = Stage::joining;
    send(client, text_frame(R"(["1","1",")" + topic_of_(client) + R"(","phx_join",{}])"));
    return end + 4;
}

void Crowd::take_frame(std::size_t client, unsigned opcode, std::string_view content,
                       const OnText& on_text) {
    if (opcode == 9) return send(client, client_frame(10, content));
    if (opcode != 1) throw std::runtime_error("the server closes client " + std::to_string(client));
    if (clients_[client].stage == Stage::joined) return on_text(client, content);
    if (content.find(R"("status":"ok")") == std::string_view::npos) {
        throw std::runtime_error("a join was refused: " + std::string(content));
    }
    clients_[client].stage = Stage::joined;
    ++joined_;
}

}  // namespace roost::bench
