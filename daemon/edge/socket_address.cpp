#include "daemon/edge/socket_address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace roost {

namespace {

std::uint16_t port_of(const sockaddr_storage& name) {
    if (name.ss_family == AF_INET) {
        return ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
    }
    if (name.ss_family == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6&>(name).sin6_port);
    }
    return 0;
}

}  // namespace

Address to_address(const sockaddr_storage& name) {
    Address address;
    if (name.ss_family == AF_UNIX) {
        address.family = Address::Family::local;
    } else if (name.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
        address = address_of_bytes({reinterpret_cast<const char*>(&v4.sin_addr), 4});
    } else if (name.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
        address = address_of_bytes({reinterpret_cast<const char*>(&v6.sin6_addr), 16});
    }
    return address;
}

std::optional<Address> peer_of(int fd, std::uint16_t port) {
    sockaddr_storage own{};
    sockaddr_storage peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return std::nullopt;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return std::nullopt;
    if (port_of(own) != port) return std::nullopt;
    return to_address(peer);
}

}  // namespace roost
