// client_text: the text frames of the Phoenix protocol, version 2.0. Spec: proto/client.md.
//
//   [join_ref, ref, topic, event, payload]
//
// Refs are opaque JSON and echoed as they came; the payload travels as the bytes that came. The
// places for the other wires (V1 objects, V2 binary) are beside this file: a connection knows its
// wire, and the hub asks only for a ClientMessage and for frames.
#pragma once

#include <string>
#include <string_view>

#include "proto/json.hpp"
#include "proto/result.hpp"

namespace roost {

enum class FrameError {
    not_json,
    not_utf8,
    too_deep,
    not_an_array,
    too_few_elements,
    event_not_a_string,
    too_long
};

// What is told to the client, and to the journal.
std::string_view reason_of(FrameError error);

// Views into the reader that decoded it, until its next call; topic and event may live in
// `scratch`.
struct ClientMessage {
    std::string_view join_ref, ref;  // raw JSON
    std::string_view raw_topic;      // raw JSON, to be echoed
    std::string_view topic;          // empty if the topic is not a string
    std::string_view event;
    std::string_view payload;  // raw JSON
    bool is_topic_a_string = false;
};

struct TextScratch {
    std::string topic, event;
};

Result<ClientMessage, FrameError> decode_text(JsonReader& reader, std::string_view text,
                                              TextScratch& scratch);

// Whole WebSocket frames. Everything named raw_ is JSON already.
std::string reply_frame(std::string_view raw_join_ref, std::string_view raw_ref,
                        std::string_view raw_topic, std::string_view status,
                        std::string_view raw_response);
// A message of the server to one channel: phx_close, phx_error.
std::string push_frame(std::string_view raw_join_ref, std::string_view raw_ref,
                       std::string_view raw_topic, std::string_view event,
                       std::string_view raw_payload);
// A message to every channel of a topic: no join_ref, and its ref is null or a position.
void append_broadcast_frame(std::string& out, std::string_view raw_ref, std::string_view topic,
                            std::string_view event, std::string_view raw_payload);

}  // namespace roost
