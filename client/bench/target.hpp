// target: a server that a load is for, from its address as a client knows it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace roost::bench {

struct Target {
    std::string host;
    std::uint16_t port = 0;
    std::string path;  // without a slash at its end
    sockaddr_storage address{};
    socklen_t address_bytes = 0;

    std::string name() const { return host + ":" + std::to_string(port); }
    // Of an IPv4 loopback address: each of the others may be a client's own, so that ports suffice.
    bool is_loopback() const;
};

// ws://HOST[:PORT][/PATH], with 80 and /socket for what is left out. Asks the resolver. Throws
// LoadError, which says what is wrong and what would be right.
Target parse_target(std::string_view url);

}  // namespace roost::bench
