// made: broadcasts for tests, of which most parts do not matter.
#pragma once

#include "proto/broadcast.hpp"

namespace roost::test {

inline BroadcastRef made(const Origin& origin, std::uint64_t number,
                         std::string_view topic = "room:a", std::string_view payload = "{}",
                         std::string_view id = {}) {
    return Broadcast::encode(origin, number, {topic, "ev", payload, id});
}

}  // namespace roost::test
