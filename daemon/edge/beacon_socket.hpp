// beacon_socket: the UDP socket by which nodes of one network find each other.
//
// Datagrams go to each interface's own broadcast address, since 255.255.255.255 fails without a
// default route. 127.255.255.255 reaches all nodes of one host. One loop, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/edge/loop.hpp"

namespace roost {

struct BeaconSocketConfig {
    std::uint16_t port = 7370;
    std::vector<std::string> addresses;  // empty: those of the interfaces
    bool is_loopback_only = true;
};

class BeaconSocket {
public:
    using OnDatagram = std::function<void(const std::string& host, std::string_view bytes)>;

    // Throws StartError.
    BeaconSocket(Loop& loop, BeaconSocketConfig config, OnDatagram on_datagram);
    ~BeaconSocket();
    BeaconSocket(const BeaconSocket&) = delete;
    BeaconSocket& operator=(const BeaconSocket&) = delete;

    void send(std::string_view bytes);

private:
    void receive();
    std::vector<std::string> targets() const;

    Loop& loop_;
    BeaconSocketConfig config_;
    OnDatagram on_datagram_;
    int fd_ = -1;
};

}  // namespace roost
