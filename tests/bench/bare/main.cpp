// bench_bare: the least that a server can do for the fan-out load: it answers joins, and sends what
// anybody says to everybody, one send() for each and for all that came in one read. It checks
// nothing and knows one topic. What the load generator reads from it, it can read from any server.
//
//   bench_bare PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

// The answer to the one key that the generator sends (RFC 6455, section 1.3).
constexpr std::string_view upgraded =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

int check(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

std::string frame(std::string_view text) {
    std::string made(1, static_cast<char>(0x81));
    if (text.size() >= 126) {
        made.push_back(126);
        made.push_back(static_cast<char>(text.size() >> 8));
    }
    made.push_back(static_cast<char>(text.size() & 0xff));
    return made.append(text);
}

class Bare {
public:
    explicit Bare(std::uint16_t port) {
        listener_ = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
        const int on = 1;
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        check(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
        check(listen(listener_, 4096), "listen");
        watch(listener_);
    }

    void turn() {
        std::array<epoll_event, 256> events;
        const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener_) {
                accept_one();
            } else {
                read_one(fd);
            }
        }
    }

private:
    void watch(int fd) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        check(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }

    void accept_one() {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0) return;
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        clients_.emplace(fd, false);
        watch(fd);
    }

    static void write(int fd, std::string_view bytes) {
        const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(bytes.size()))
            std::fputs("bench_bare: a client is slow\n", stderr);
    }

    void read_one(int fd) {
        const auto got = recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got <= 0) {
            clients_.erase(fd);
            close(fd);
            return;
        }
        bool& is_upgraded = clients_[fd];
        if (!is_upgraded) {
            is_upgraded = true;
            return write(fd, upgraded);
        }
        std::string answer, everybody;
        for (std::size_t at = 0; at + 6 <= static_cast<std::size_t>(got);)
            at += take(at, answer, everybody);
        if (!answer.empty()) write(fd, answer);
        if (everybody.empty()) return;
        for (const auto& [client, is_open] : clients_) {
            if (is_open) write(client, everybody);
        }
    }

    // A frame that is whole, as those of the generator are.
    std::size_t take(std::size_t at, std::string& answer, std::string& everybody) {
        const auto byte = [&](std::size_t i) {
            return static_cast<unsigned char>(buffer_[at + i]);
        };
        std::size_t length = byte(1) & 127U;
        const std::size_t mask = length == 126 ? 4 : 2;
        if (length == 126) length = std::size_t{byte(2)} << 8 | byte(3);
        std::string text;
        for (std::size_t i = 0; i < length; ++i) {
            text.push_back(static_cast<char>(byte(mask + 4 + i) ^ byte(mask + i % 4)));
        }
        answer += frame(R"(["1","1","bench","phx_reply",{"response":{},"status":"ok"}])");
        if (text.find("phx_join") == std::string::npos) {
            everybody += frame("[null,null," + text.substr(text.find("\"bench\"")));
        }
        return mask + 4 + length;
    }

    int epoll_ = check(epoll_create1(0), "epoll_create1");
    int listener_ = -1;
    std::map<int, bool> clients_;  // whether they are upgraded
    std::vector<char> buffer_ = std::vector<char>(1 << 18);
};

}  // namespace

int main(int argc, char** argv) {
    try {
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        Bare bare(static_cast<std::uint16_t>(argc == 2 ? std::atoi(argv[1]) : 0));
        while (true) bare.turn();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_bare: %s\n", error.what());
        return 1;
    }
}
