// client_message: what a client says and is told, whichever wire it speaks. Spec: proto/client.md.
//
// A connection speaks one Wire; client_text and client_binary read its frames into ClientMessages.
// The hub knows no more of wires than this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace roost {

// The protocol of a connection: version 1.0 or 2.0 of Phoenix. The first has no binary frames; nor
// is a client that polls told any, although it may say some in 2.0.
enum class Wire : std::uint8_t { v1, v2, v2_text };
inline constexpr std::size_t wires = 3;

enum class FrameError {
    not_json,
    not_utf8,
    too_deep,
    not_an_array,
    not_an_object,
    too_few_elements,
    lacks_a_key,
    event_not_a_string,
    too_long,
    bad_binary,
    no_binary
};

// What is told to the client, and to the journal.
std::string_view reason_of(FrameError error);

// Views into the reader that decoded it, until its next call, into the scratch, and, of a binary
// frame, into the frame.
struct ClientMessage {
    std::string_view join_ref, ref;  // raw JSON
    std::string_view raw_topic;      // raw JSON, to be echoed
    std::string_view topic;          // empty if the topic is not a string
    std::string_view event;
    std::string_view payload;  // raw JSON, or any bytes
    bool is_topic_a_string = false;
    bool is_binary = false;  // the payload is any bytes
};

// Texts that are not in the frame as they are needed.
struct FrameScratch {
    std::string join_ref, ref, raw_topic, topic, event;
};

}  // namespace roost
