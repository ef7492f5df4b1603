// client_text: the text frames of the Phoenix protocol. Spec: proto/client.md.
//
//   2.0   [join_ref, ref, topic, event, payload]
//   1.0   {"topic": topic, "event": event, "payload": payload, "ref": ref}
//
// Refs are opaque JSON and echoed as they came; the payload travels as the bytes that came.
#pragma once

#include <string>
#include <string_view>

#include "proto/client_message.hpp"
#include "proto/json.hpp"
#include "proto/result.hpp"

namespace roost {

Result<ClientMessage, FrameError> decode_text(Wire wire, JsonReader& reader, std::string_view text,
                                              FrameScratch& scratch);

// Whole WebSocket frames. Everything named raw_ is JSON already. Version 1.0 has no join_ref in
// what the server says.
std::string reply_frame(Wire wire, std::string_view raw_join_ref, std::string_view raw_ref,
                        std::string_view raw_topic, std::string_view status,
                        std::string_view raw_response);
void append_reply_frame(std::string& out, Wire wire, std::string_view raw_join_ref,
                        std::string_view raw_ref, std::string_view raw_topic,
                        std::string_view status, std::string_view raw_response);
// A message of the server to one channel: phx_close, phx_error.
std::string push_frame(Wire wire, std::string_view raw_join_ref, std::string_view raw_ref,
                       std::string_view raw_topic, std::string_view event,
                       std::string_view raw_payload);
// A message to every channel of a topic, in 2.0: no join_ref, and its ref is null.
void append_broadcast_frame(std::string& out, std::string_view topic, std::string_view event,
                            std::string_view raw_payload);

}  // namespace roost
