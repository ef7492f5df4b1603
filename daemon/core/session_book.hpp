// session_book: who is connected to this node, and joined to what, by what has happened.
//
// It is what a consumer of events would have, had it missed none. Ordered by session.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "daemon/core/happening.hpp"
#include "daemon/core/time.hpp"

namespace roost {

class SessionBook {
public:
    struct Session {
        std::string user, address;
        Time since;
        std::map<std::uint64_t, std::string> channels;  // the topic, by the number of the join
    };

    // What follows from it for the topic: that it is occupied now, or vacated.
    std::optional<Happening> add(const Happening& happening, Time now);

    const std::map<SessionId, Session>& sessions() const { return sessions_; }

private:
    std::map<SessionId, Session> sessions_;
    std::map<std::string, std::uint64_t> topics_;  // how many channels each has
};

}  // namespace roost
