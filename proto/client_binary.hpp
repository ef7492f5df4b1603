// client_binary: the binary frames of the Phoenix protocol, version 2.0. Spec: proto/client.md.
//
//   client    00 | n join_ref | n ref | n topic | n event | join_ref ref topic event data
//   push      00 | n join_ref | n topic | n event | join_ref topic event data
//   reply     01 | n join_ref | n ref | n topic | n status | join_ref ref topic status data
//   broadcast 02 | n topic | n event | topic event data
//
// Lengths are one byte each, so that a message that is to travel as binary has a topic and an event
// of at most 255 bytes.
#pragma once

#include <optional>
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
// Of one channel, to one client, as whole WebSocket frames. Nothing if a name has more than 255
// bytes: then there is only JSON. Everything named raw_ is JSON; a ref of null is empty.
std::optional<std::string> binary_reply_frame(std::string_view raw_join_ref,
                                              std::string_view raw_ref, std::string_view raw_topic,
                                              std::string_view status, std::string_view data);
std::optional<std::string> binary_push_frame(std::string_view raw_join_ref,
                                             std::string_view raw_topic, std::string_view event,
                                             std::string_view data);
// What is between the frame's head and the data.
std::string binary_broadcast_head(std::string_view topic, std::string_view event);

// What is told in place of bytes to clients that read only JSON: {"base64":"AQID"}.
std::string json_of_bytes(std::string_view data);

}  // namespace roost
