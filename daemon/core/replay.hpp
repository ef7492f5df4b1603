// replay: what a client that resumes a topic is told.
#pragma once

#include <vector>

#include "proto/since.hpp"

namespace roost {

struct Replay {
    Positions positions;  // before the messages
    // Of these origins the client knows more than this node: what comes up to there is known to it.
    Positions ahead;
    bool is_recovered = false;
    std::vector<BroadcastRef> messages;
};

}  // namespace roost
