#include "client/bench/crowd.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "client/bench/client_frame.hpp"
#include "client/bench/load_error.hpp"

namespace roost::bench {

namespace {

constexpr std::size_t buffer_bytes = 1 << 18;
// Of the 28,000 ports that an address has for connections to one server.
constexpr std::size_t clients_per_address = 20'000;
constexpr std::size_t refusal_bytes_max = 300;
// No load expects more; so no server makes this one keep more.
constexpr std::size_t frame_bytes_max = 16'000'000;
constexpr std::size_t head_bytes_max = 65'536;

[[noreturn]] void fail_system(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

std::string upgrade_request(const Target& target, const Dialect& dialect) {
    std::string head = "GET " + dialect.path(target) + " HTTP/1.1\r\nHost: " + target.name();
    head +=
        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    return head.append(dialect.head_lines()).append("\r\n");
}

void bind_to_own_address(int fd, ClientId client) {
    const int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr =
        htonl(0x7f000001U + static_cast<std::uint32_t>(client / clients_per_address));
    if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) < 0) fail_system("bind");
}

std::string on_one_line(std::string_view text) {
    std::string made(text.substr(0, refusal_bytes_max));
    for (char& c : made) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return made;
}

}  // namespace

void allow_descriptors(std::size_t clients) {
    constexpr std::size_t others = 64;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= clients + others) return;
    if (limit.rlim_max < clients + others) {
        throw LoadError(
            std::to_string(clients) + " clients need " + std::to_string(clients + others) +
            " file descriptors, and this shell allows " + std::to_string(limit.rlim_max) +
            ": raise that (ulimit -Hn, or LimitNOFILE=), or take fewer clients");
    }
    limit.rlim_cur = clients + others;
    setrlimit(RLIMIT_NOFILE, &limit);
}

Crowd::Crowd(const std::vector<Target>& targets, const Dialect& dialect, CrowdListener& listener)
    : targets_(targets), dialect_(dialect), listener_(listener), buffer_(buffer_bytes) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) fail_system("epoll_create1");
}

Crowd::~Crowd() {
    for (ClientId client = 0; client < clients_.size(); ++client) cut(client);
    close(epoll_);
}

void Crowd::fail(ClientId client, const std::string& what) const {
    throw LoadError(target_of(client).name() + " " + what);
}

ClientId Crowd::add(std::size_t target, std::vector<std::string> topics) {
    const auto id = static_cast<ClientId>(clients_.size());
    Client& client = clients_.emplace_back();
    client.target = target;
    client.topics = std::move(topics);
    client.missing = dialect_.confirmations(client.topics.size());
    client.begun = Clock::now();
    open(client, id);
    return id;
}

void Crowd::open(Client& client, ClientId id) {
    const Target& target = targets_[client.target];
    client.fd = socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client.fd < 0) fail_system("cannot make a socket for another client");
    const int on = 1;
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (target.is_loopback()) bind_to_own_address(client.fd, id);
    const auto* address = reinterpret_cast<const sockaddr*>(&target.address);
    if (connect(client.fd, address, target.address_bytes) < 0 && errno != EINPROGRESS) {
        const std::string why = std::strerror(errno);
        throw Unreachable("cannot connect to " + target.name() + ": " + why +
                          (errno == EADDRNOTAVAIL
                               ? " (no port is left here; take fewer clients or a further --url)"
                               : ""));
    }
    watch(id, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void Crowd::cut(ClientId client) {
    Client& gone = clients_[client];
    if (gone.stage == Stage::cut) return;
    // A reset leaves no port behind in TIME_WAIT for the next run to miss.
    const linger at_once{1, 0};
    setsockopt(gone.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(gone.fd);
    if (gone.stage == Stage::joined) --joined_;
    gone = Client{};
    gone.stage = Stage::cut;
}

void Crowd::watch(ClientId client, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = client;
    if (epoll_ctl(epoll_, operation, clients_[client].fd, &event) < 0) fail_system("epoll_ctl");
}

void Crowd::finish_connect(ClientId client) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(clients_[client].fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        throw Unreachable("cannot connect to " + target_of(client).name() + ": " +
                          std::strerror(error) + " (does a node listen there?)");
    }
    clients_[client].stage = Stage::upgrading;
    watch(client, EPOLLIN, EPOLL_CTL_MOD);
    send(client, upgrade_request(target_of(client), dialect_));
}

void Crowd::send(ClientId client, std::string_view frames) {
    Client& to = clients_[client];
    if (!to.unsent.empty()) {
        to.unsent.append(frames);
        return;
    }
    auto sent = ::send(to.fd, frames.data(), frames.size(), MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            fail(client, std::string("cut a connection: ") + std::strerror(errno));
        }
        sent = 0;
    }
    if (static_cast<std::size_t>(sent) == frames.size()) return;
    to.unsent = frames.substr(static_cast<std::size_t>(sent));
    watch(client, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

void Crowd::write_rest(ClientId client) {
    const std::string frames = std::exchange(clients_[client].unsent, {});
    if (frames.empty()) return;
    watch(client, EPOLLIN, EPOLL_CTL_MOD);
    send(client, frames);
}

bool Crowd::turn(std::chrono::milliseconds most) {
    std::array<epoll_event, 256> events;
    const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(most.count()));
    if (ready < 0 && errno != EINTR) fail_system("epoll_wait");
    now_ = Clock::now();
    for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const ClientId client = event.data.u32;
        // One that was read before it in this turn may have had it cut.
        if (clients_[client].stage == Stage::cut) continue;
        if (clients_[client].stage == Stage::connecting) {
            finish_connect(client);
            continue;
        }
        if ((event.events & EPOLLOUT) != 0) write_rest(client);
        if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) read_one(client);
    }
    return ready != 0;
}

void Crowd::read_one(ClientId client) {
    const auto got = recv(clients_[client].fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) fail(client, std::string("cut a connection: ") + std::strerror(errno));
    if (got == 0) fail(client, "cut a connection");
    now_ = Clock::now();
    current_ = client;
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    if (clients_[client].rest.empty()) {
        const auto taken = take(bytes);
        if (taken < bytes.size()) clients_[client].rest = bytes.substr(taken);
        return;
    }
    std::string all = std::move(clients_[client].rest);
    all.append(bytes);
    all.erase(0, take(all));
    clients_[client].rest = std::move(all);
}

std::size_t Crowd::take(std::string_view bytes) {
    std::size_t taken = 0;
    if (clients_[current_].stage == Stage::upgrading) {
        taken = take_upgrade(bytes);
        if (taken == 0) return 0;
    }
    while (const auto head = read_head(bytes.substr(taken))) {
        if (head->content_bytes > frame_bytes_max) fail(current_, "sent a frame that is too big");
        const std::size_t size = head->head_bytes + head->content_bytes;
        if (bytes.size() - taken < size || clients_[current_].stage == Stage::cut) break;
        take_frame(head->opcode, bytes.substr(taken + head->head_bytes, head->content_bytes));
        taken += size;
    }
    return clients_[current_].stage == Stage::cut ? bytes.size() : taken;
}

std::size_t Crowd::take_upgrade(std::string_view bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos && bytes.size() < head_bytes_max) return 0;
    if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.1 101")) {
        const auto status = bytes.substr(0, bytes.find("\r\n"));
        fail(current_, "refused a connection: " + on_one_line(status) + ": " +
                           on_one_line(bytes.substr(std::min(end, bytes.size() - 4) + 4)));
    }
    Client& client = clients_[current_];
    client.stage = Stage::joining;
    send(current_, dialect_.greeting(client.topics));
    return end + 4;
}

void Crowd::take_frame(unsigned opcode, std::string_view content) {
    if (opcode == opcode::ping) return send(current_, client_frame(opcode::pong, content));
    if (opcode == opcode::pong) return;
    if (opcode == opcode::close) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(content[i]); };
        const int code = content.size() < 2 ? 1005 : byte(0) << 8 | byte(1);
        fail(current_, "closed a connection with code " + std::to_string(code) + " " +
                           on_one_line(content.size() < 2 ? "" : content.substr(2)));
    }
    if (!dialect_.is_stream()) {
        dialect_.read(content, *this);
        return;
    }
    std::string& kept = clients_[current_].stream;
    if (kept.empty()) {
        kept = content.substr(dialect_.read(content, *this));
        return;
    }
    std::string all = std::move(kept);
    all.append(content);
    if (all.size() > frame_bytes_max) fail(current_, "sent a message that is too big");
    all.erase(0, dialect_.read(all, *this));
    clients_[current_].stream = std::move(all);
}

void Crowd::on_ok() {
    Client& client = clients_[current_];
    if (client.stage == Stage::joined) return listener_.on_answer(current_);
    if (client.missing > 0 && --client.missing > 0) return;
    client.stage = Stage::joined;
    ++joined_;
    listener_.on_joined(current_, now_ - client.begun);
}

void Crowd::on_refused(std::string_view why) {
    const bool is_join = clients_[current_].stage == Stage::joining;
    fail(current_, (is_join ? "refused to let a client join '" + topic_of(current_) + "': "
                            : "refused a message: ") +
                       on_one_line(why));
}

void Crowd::on_message(std::string_view payload) {
    listener_.on_message(current_, payload);
}

}  // namespace roost::bench
