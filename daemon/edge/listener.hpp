// listener: the TCP socket on which one shard accepts its clients.
//
// With several shards each has a listener of its own on the same port (SO_REUSEPORT), and the
// kernel spreads the connections. That option would also let a second daemon share the port
// unnoticed, so the port is tried without it first.
#pragma once

#include <vector>

#include "proto/endpoint.hpp"

namespace roost {

// One listening, non-blocking descriptor for each shard. Throws StartError.
std::vector<int> open_listeners(const Endpoint& endpoint, std::size_t count);

}  // namespace roost
