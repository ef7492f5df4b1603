// socket_address: the addresses that the system tells of sockets, as values.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/address.hpp"

struct sockaddr_storage;

namespace roost {

// `unknown` if it is neither of a unix socket nor of IP.
Address to_address(const sockaddr_storage& name);

// Who is at the other end of a connection that was accepted at this port of ours. Nobody if it is
// there no more, or if its number is that of another port's connection by now.
std::optional<Address> peer_of(int fd, std::uint16_t port);

}  // namespace roost
