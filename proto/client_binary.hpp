// client_binary: the binary frames of the Phoenix protocol, version 2.0. Spec: proto/client.md.
//
//   client    00 | n join_ref | n ref | n topic | n event | join_ref ref topic event data
//   broadcast 02 | n topic | n event | topic event data
//
// Lengths are one byte each, so that a message that is to travel as binary has a topic and an event
// of at most 255 bytes.
#pragma once

#include <string>
#include <string_view>

#include "proto/client_message.hpp"
#include "proto/result.hpp"

namespace roost {

inline constexpr std::size_t binary_name_bytes_max = 255;

// Refs come out as JSON strings: an empty one is "", and not null, as in Phoenix.
Result<ClientMessage, FrameError> decode_binary(std::string_view frame, FrameScratch& scratch);

// A whole WebSocket frame.
void append_binary_broadcast_frame(std::string& out, std::string_view topic, std::string_view event,
                                   std::string_view data);
// What is between the frame's head and the data.
std::string binary_broadcast_head(std::string_view topic, std::string_view event);

// What is told in place of bytes to clients that read only JSON: {"base64":"AQID"}.
std::string json_of_bytes(std::string_view data);

}  // namespace roost
