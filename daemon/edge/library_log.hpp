// library_log: what libwebsockets says goes to the journal, one line a second at most.
//
// Clients cause most of it: a header too many is worth a line of theirs, and they could send a
// million.
#pragma once

namespace roost {

// Of the process; to be called before the first context is made.
void take_library_log();

}  // namespace roost
