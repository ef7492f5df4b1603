// session: the name of one client's connection, in the whole group and for all time.
//
// Backends and operators name a connection by it: "INCARNATION.SHARD-SERIAL". A connection that
// comes back is another session. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/broadcast.hpp"

namespace roost {

std::string text_of(const SessionId& session);
// One spelling only: what is not the text of a session names none.
std::optional<SessionId> parse_session(std::string_view text);

}  // namespace roost
