// listener: the sockets on which the shards accept their clients.
//
// With several shards each has a TCP listener of its own on the same port (SO_REUSEPORT), and the
// kernel spreads the connections. That option would also let a second daemon share the port
// unnoticed, so the port is tried without it first. A unix socket has no such option: the shards
// share it, and one of those that wake takes the connection.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "proto/endpoint.hpp"

namespace roost {

struct UnixPath {
    std::string path;

    bool operator==(const UnixPath&) const = default;
};
using ListenAddress = std::variant<Endpoint, UnixPath>;

std::string text_of(const ListenAddress& address);

struct Listener {
    int fd = -1;  // not blocking; whoever has the Listener owns it
    bool is_unix = false;
    bool is_paused = false;
};

// What can be seen of the addresses without opening anything: whether the hosts have addresses, and
// whether files stand where the unix sockets belong. Throws StartError.
void check_listen_addresses(const std::vector<ListenAddress>& addresses);
// For each shard its listeners. Throws StartError.
std::vector<std::vector<Listener>> open_listeners(const std::vector<ListenAddress>& addresses,
                                                  std::size_t shards);
// Removes the files of the unix sockets.
void remove_unix_sockets(const std::vector<ListenAddress>& addresses);

}  // namespace roost
