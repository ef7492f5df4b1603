#include "daemon/edge/listener.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

[[noreturn]] void fail_unix(const UnixPath& address, int error, const std::string& hint) {
    throw StartError::of_errno(
        error, "cannot listen on unix:" + address.path + ": " + std::strerror(error) + hint);
}

// Is there a socket already? What is no socket stays where it is.
bool is_socket_there(const UnixPath& address) {
    struct stat about {};
    if (lstat(address.path.c_str(), &about) != 0) return false;
    if (!S_ISSOCK(about.st_mode)) {
        throw StartError(exit_code::unavailable, "cannot listen on unix:" + address.path +
                                                     ": there is a file that is no socket; "
                                                     "remove it, or choose another path");
    }
    return true;
}

// What a daemon left that is gone is removed; one that lives keeps its socket.
void remove_stale(const UnixPath& address, const sockaddr_un& name) {
    if (!is_socket_there(address)) return;
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int result = connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    const int error = errno;
    close(probe);
    if (result == 0) fail_unix(address, EADDRINUSE, " (another daemon? see --listen)");
    if (error == ECONNREFUSED) unlink(address.path.c_str());
}

int open_unix(const UnixPath& address) {
    constexpr mode_t owner_and_group = 0660;
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    address.path.copy(name.sun_path, sizeof name.sun_path - 1);
    remove_stale(address, name);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    // The file is made with this mode, less the umask: nobody else gets in before chmod.
    if (fd >= 0 && fchmod(fd, owner_and_group) == 0 &&
        bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
        chmod(address.path.c_str(), owner_and_group) == 0 && listen(fd, 4096) == 0) {
        return fd;
    }
    const int error = errno;
    if (fd >= 0) close(fd);
    fail_unix(address, error, "");
}

void open_tcp(const Endpoint& endpoint, std::vector<std::vector<Listener>>& shards) {
    const auto addresses = resolve(endpoint);
    if (shards.size() > 1) close(open_one(*addresses, endpoint, false));
    for (auto& shard : shards) {
        shard.push_back({open_one(*addresses, endpoint, shards.size() > 1), false, false});
    }
}

}  // namespace

std::string text_of(const ListenAddress& address) {
    if (const auto* path = std::get_if<UnixPath>(&address)) return "unix:" + path->path;
    return std::get<Endpoint>(address).text();
}

void check_listen_addresses(const std::vector<ListenAddress>& addresses) {
    for (const auto& address : addresses) {
        if (const auto* path = std::get_if<UnixPath>(&address)) {
            (void)is_socket_there(*path);
        } else {
            (void)resolve(std::get<Endpoint>(address));
        }
    }
}

std::vector<std::vector<Listener>> open_listeners(const std::vector<ListenAddress>& addresses,
                                                  std::size_t shards) {
    std::vector<std::vector<Listener>> listeners(shards);
    for (const auto& address : addresses) {
        if (const auto* endpoint = std::get_if<Endpoint>(&address)) {
            open_tcp(*endpoint, listeners);
            continue;
        }
        const int fd = open_unix(std::get<UnixPath>(address));
        for (std::size_t i = 0; i < shards; ++i) {
            const int own = i == 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
            listeners[i].push_back({own, true, false});
        }
    }
    return listeners;
}

void remove_unix_sockets(const std::vector<ListenAddress>& addresses) {
    for (const auto& address : addresses) {
        if (const auto* path = std::get_if<UnixPath>(&address)) unlink(path->path.c_str());
    }
}

}  // namespace roost
