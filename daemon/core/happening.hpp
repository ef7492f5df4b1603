// happening: something that became of a client, told by the hub of its shard.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/session.hpp"

namespace roost {

struct Happening {
    enum class Kind : std::uint8_t {
        connected,
        joined,
        left,
        disconnected,
        topic_occupied,  // the first channel of the topic on this node
        topic_vacated,   // the last
    };

    Kind kind{};
    SessionId session;
    std::string user{};     // the subject of its token, if it has shown one
    std::string address{};  // of a client that connects
    std::string topic{};
    // Of the shard, rising: a late `left` is known from a newer join by it.
    std::uint64_t join = 0;
    std::string_view reason{};  // of the end of a connection; never ends
};

constexpr std::string_view name_of(Happening::Kind kind) {
    switch (kind) {
        case Happening::Kind::connected: return "connected";
        case Happening::Kind::joined: return "joined";
        case Happening::Kind::left: return "left";
        case Happening::Kind::disconnected: return "disconnected";
        case Happening::Kind::topic_occupied: return "topic_occupied";
        case Happening::Kind::topic_vacated: break;
    }
    return "topic_vacated";
}

}  // namespace roost
