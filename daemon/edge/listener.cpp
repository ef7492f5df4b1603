#include "daemon/edge/listener.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "daemon/edge/start_error.hpp"

namespace roost {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList resolve(const Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const auto port = std::to_string(endpoint.port);
    const int error = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
    if (error != 0) {
        throw StartError(exit_code::configuration,
                         "--listen " + endpoint.text() +
                             ": the host cannot be resolved: " + gai_strerror(error));
    }
    return {found, &freeaddrinfo};
}

int open_one(const addrinfo& address, const Endpoint& endpoint, bool is_shared) {
    const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (is_shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        if (bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, 4096) == 0) return fd;
    }
    const int error = errno;
    if (fd >= 0) close(fd);
    throw StartError::of_errno(error, "cannot listen on " + endpoint.text() + ": " +
                                          std::strerror(error) + " (another daemon? see --listen)");
}

}  // namespace

std::vector<int> open_listeners(const Endpoint& endpoint, std::size_t count) {
    const auto addresses = resolve(endpoint);
    if (count == 1) return {open_one(*addresses, endpoint, false)};
    close(open_one(*addresses, endpoint, false));
    std::vector<int> fds;
    for (std::size_t i = 0; i < count; ++i) fds.push_back(open_one(*addresses, endpoint, true));
    return fds;
}

}  // namespace roost
