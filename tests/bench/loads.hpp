// loads: the two loads, each of which prints its figures as lines `name value`.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace roost::bench {

struct Server {
    std::uint16_t port;
    pid_t process;
};

// One topic, one publisher among its subscribers; a turn is so many pushes in one write, and the
// next turn begins when every subscriber has all of it. False if a message was lost or came out of
// its order.
bool fan_out(const Server& server, std::size_t subscribers, std::size_t messages,
             std::size_t messages_a_turn);

// Connects and joins so many clients, the topics shared evenly, and leaves them idle.
void storm(const Server& server, std::size_t clients, std::size_t topics);

}  // namespace roost::bench
