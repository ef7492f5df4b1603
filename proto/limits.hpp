// limits: the sizes that hold for every node, and why they are what they are.
#pragma once

#include <cstddef>

namespace roost::limits {

// Long enough for any URL-like topic; short enough that its length fits the group's frames.
inline constexpr std::size_t topic_bytes_max = 1024;
inline constexpr std::size_t event_bytes_max = 1024;
// A ref is echoed in every reply of its channel: a counter or a UUID, not a document.
inline constexpr std::size_t ref_bytes_max = 1024;
inline constexpr std::size_t name_bytes_max = 64;
// What a client that polls may post at once, as in Phoenix.
inline constexpr std::size_t poll_body_bytes_max = 8'000'000;
// A peer's control messages are small; anything larger is not one of ours.
inline constexpr std::size_t group_message_bytes_max = 1 << 20;
// What a peer may call us with: a control message, or what a client of ours has posted there.
inline constexpr std::size_t group_call_bytes_max = poll_body_bytes_max + 65'536;
// What a node may answer to a question of ours: messages of a topic's history.
inline constexpr std::size_t group_answer_bytes_max = 16 << 20;
// A publisher's own id of a message, by which a repetition is known.
inline constexpr std::size_t message_id_bytes_max = 128;
// Of Sec-WebSocket-Protocol: more libwebsockets 4.1.6 has no room for, and is made to cut off.
inline constexpr std::size_t library_subprotocol_bytes = 126;
// A client's token: it has to fit in a request, and everything in it is read.
inline constexpr std::size_t token_bytes_max = 8192;
// Bad frames that a connection survives before it is closed as hostile.
inline constexpr unsigned bad_frames_max = 10;
// Messages beyond its rate that a connection may send without a pause before it is closed.
inline constexpr unsigned refused_in_a_row_max = 10'000;
// Frames held for a channel that is still joining, before its connection is closed.
inline constexpr std::size_t held_frames_max = 64;
inline constexpr std::size_t held_bytes_max = 262'144;
// Messages of its topic that wait until a channel has been told what it missed.
inline constexpr std::size_t collected_max = 100'000;
// Origins that a client may name when it resumes.
inline constexpr std::size_t positions_max = 4096;

}  // namespace roost::limits
