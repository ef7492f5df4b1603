#include "daemon/edge/beacon_socket.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>

#include "daemon/edge/start_error.hpp"
#include "proto/beacon.hpp"

namespace roost {

namespace {

constexpr const char* loopback_broadcast = "127.255.255.255";

std::string text_of(const sockaddr* address) {
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return text.data();
}

std::vector<std::string> interface_broadcasts() {
    ifaddrs* found = nullptr;
    if (getifaddrs(&found) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(found, &freeifaddrs);
    std::vector<std::string> addresses;
    for (const ifaddrs* one = list.get(); one; one = one->ifa_next) {
        const bool is_v4 = one->ifa_addr && one->ifa_addr->sa_family == AF_INET;
        const unsigned needed = IFF_UP | IFF_BROADCAST;
        if (!is_v4 || (one->ifa_flags & needed) != needed || !one->ifa_broadaddr) continue;
        addresses.push_back(text_of(one->ifa_broadaddr));
    }
    return addresses;
}

}  // namespace

BeaconSocket::BeaconSocket(Loop& loop, BeaconSocketConfig config, OnDatagram on_datagram)
    : loop_(loop), config_(std::move(config)), on_datagram_(std::move(on_datagram)) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(config_.port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    const int on = 1;
    // Several nodes of one host share the port: each gets every broadcast.
    const bool is_bound =
        fd_ >= 0 && setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd_, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) == 0 &&
        bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (!is_bound) {
        const int error = errno;
        if (fd_ >= 0) close(fd_);
        throw StartError::of_errno(error, "cannot bind UDP port " + std::to_string(config_.port) +
                                              " for the beacon: " + std::strerror(error) +
                                              " (see --beacon-port, --no-beacon)");
    }
    loop_.on_readable(fd_, [this] { receive(); });
}

BeaconSocket::~BeaconSocket() {
    loop_.forget(fd_);
    close(fd_);
}

std::vector<std::string> BeaconSocket::targets() const {
    if (!config_.addresses.empty()) return config_.addresses;
    if (config_.is_loopback_only) return {loopback_broadcast};
    auto addresses = interface_broadcasts();
    if (addresses.empty()) addresses.emplace_back(loopback_broadcast);
    return addresses;
}

void BeaconSocket::send(std::string_view bytes) {
    for (const auto& target : targets()) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(config_.port);
        if (inet_pton(AF_INET, target.c_str(), &address.sin_addr) != 1) continue;
        // Best effort: an interface may be down, and the next beacon follows in a second.
        (void)sendto(fd_, bytes.data(), bytes.size(), 0,
                     reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
}

void BeaconSocket::receive() {
    std::array<char, beacon_bytes_max> buffer{};
    constexpr int datagrams_a_turn = 64;
    for (int i = 0; i < datagrams_a_turn; ++i) {
        sockaddr_in from{};
        socklen_t from_size = sizeof from;
        const auto size = recvfrom(fd_, buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &from_size);
        if (size < 0) return;
        on_datagram_(text_of(reinterpret_cast<const sockaddr*>(&from)),
                     std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    }
}

}  // namespace roost
