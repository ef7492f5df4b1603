#include "proto/client_text.hpp"

#include <array>

#include "proto/limits.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {

// Every byte may be spelled \u00XX, between two quotes.
constexpr std::size_t raw_topic_bytes_max = 6 * limits::topic_bytes_max + 2;

FrameError frame_error_of(JsonError error) {
    switch (error) {
        case JsonError::not_utf8: return FrameError::not_utf8;
        case JsonError::too_deep: return FrameError::too_deep;
        case JsonError::not_an_array: return FrameError::not_an_array;
        case JsonError::not_json: break;
    }
    return FrameError::not_json;
}

// The end of what both readers have in common.
Result<ClientMessage, FrameError> with_names(ClientMessage message, std::string_view raw_event,
                                             FrameScratch& scratch) {
    if (message.join_ref.size() > limits::ref_bytes_max ||
        message.ref.size() > limits::ref_bytes_max ||
        message.raw_topic.size() > raw_topic_bytes_max) {
        return Unexpected{FrameError::too_long};
    }
    if (is_json_string(message.raw_topic)) {
        message.topic = unquote(message.raw_topic, scratch.topic);
        message.is_topic_a_string = true;
    }
    if (!is_json_string(raw_event)) return Unexpected{FrameError::event_not_a_string};
    message.event = unquote(raw_event, scratch.event);
    if (message.topic.size() > limits::topic_bytes_max ||
        message.event.size() > limits::event_bytes_max) {
        return Unexpected{FrameError::too_long};
    }
    return message;
}

Result<ClientMessage, FrameError> decode_array(JsonReader& reader, std::string_view text,
                                               FrameScratch& scratch) {
    const auto array = reader.slice_array(text);
    if (!array) return Unexpected{frame_error_of(array.error())};
    if (array->size < JsonArray::kept_max) return Unexpected{FrameError::too_few_elements};
    ClientMessage message;
    message.join_ref = array->elements[0];
    message.ref = array->elements[1];
    message.raw_topic = array->elements[2];
    message.payload = array->elements[4];
    return with_names(message, array->elements[3], scratch);
}

Result<ClientMessage, FrameError> decode_object(JsonReader& reader, std::string_view text,
                                                FrameScratch& scratch) {
    const auto object = reader.value(text);
    if (!object) return Unexpected{frame_error_of(object.error())};
    if (!is_json_object(*object)) return Unexpected{FrameError::not_an_object};
    ClientMessage message;
    message.join_ref = "null";
    std::string_view raw_event;
    for_each_member(*object, [&](std::string_view key, std::string_view value) {
        if (key == "topic") message.raw_topic = value;
        if (key == "event") raw_event = value;
        if (key == "payload") message.payload = value;
        if (key == "ref") message.ref = value;
        if (key == "join_ref") message.join_ref = value;
        return true;
    });
    // A value of JSON has at least one byte.
    if (message.raw_topic.empty() || raw_event.empty() || message.payload.empty() ||
        message.ref.empty()) {
        return Unexpected{FrameError::lacks_a_key};
    }
    return with_names(message, raw_event, scratch);
}

// Appends a frame whose content is these pieces, one after the other.
template <std::size_t count>
void append_framed(std::string& out, const std::array<std::string_view, count>& pieces) {
    std::size_t size = 0;
    for (const auto piece : pieces) size += piece.size();
    out.reserve(out.size() + size + ws::head_bytes_max);
    ws::append_head(out, ws::Opcode::text, size);
    std::size_t at = out.size();
    out.resize(at + size);
    for (const auto piece : pieces) at += piece.copy(out.data() + at, piece.size());
}

// A frame of either version; the event is quoted already. The keys of 1.0 stand in the order of
// Phoenix.
void append_message_frame(std::string& out, Wire wire, std::string_view raw_join_ref,
                          std::string_view raw_ref, std::string_view raw_topic,
                          std::string_view raw_event, std::string_view raw_payload) {
    if (wire == Wire::v1) {
        append_framed(out, std::array<std::string_view, 9>{
                               R"({"event":)", raw_event, R"(,"payload":)", raw_payload,
                               R"(,"ref":)", raw_ref, R"(,"topic":)", raw_topic, "}"});
    } else {
        append_framed(
            out, std::array<std::string_view, 11>{"[", raw_join_ref, ",", raw_ref, ",", raw_topic,
                                                  ",", raw_event, ",", raw_payload, "]"});
    }
}

}  // namespace

Result<ClientMessage, FrameError> decode_text(Wire wire, JsonReader& reader, std::string_view text,
                                              FrameScratch& scratch) {
    return wire == Wire::v1 ? decode_object(reader, text, scratch)
                            : decode_array(reader, text, scratch);
}

void append_reply_frame(std::string& out, Wire wire, std::string_view raw_join_ref,
                        std::string_view raw_ref, std::string_view raw_topic,
                        std::string_view status, std::string_view raw_response) {
    std::string raw_status;
    append_quoted(raw_status, status);
    if (wire == Wire::v1) {
        append_framed(out, std::array<std::string_view, 9>{
                               R"({"event":"phx_reply","payload":{"response":)", raw_response,
                               R"(,"status":)", raw_status, R"(},"ref":)", raw_ref, R"(,"topic":)",
                               raw_topic, "}"});
    } else {
        append_framed(
            out, std::array<std::string_view, 11>{"[", raw_join_ref, ",", raw_ref, ",", raw_topic,
                                                  R"(,"phx_reply",{"response":)", raw_response,
                                                  R"(,"status":)", raw_status, "}]"});
    }
}

std::string reply_frame(Wire wire, std::string_view raw_join_ref, std::string_view raw_ref,
                        std::string_view raw_topic, std::string_view status,
                        std::string_view raw_response) {
    std::string frame;
    append_reply_frame(frame, wire, raw_join_ref, raw_ref, raw_topic, status, raw_response);
    return frame;
}

std::string push_frame(Wire wire, std::string_view raw_join_ref, std::string_view raw_ref,
                       std::string_view raw_topic, std::string_view event,
                       std::string_view raw_payload) {
    std::string raw_event;
    append_quoted(raw_event, event);
    std::string frame;
    append_message_frame(frame, wire, raw_join_ref, raw_ref, raw_topic, raw_event, raw_payload);
    return frame;
}

void append_broadcast_frame(std::string& out, std::string_view topic, std::string_view event,
                            std::string_view raw_payload) {
    constexpr std::string_view begin = "[null,null,";
    const std::size_t size = begin.size() + quoted_size(topic) + quoted_size(event) +
                             raw_payload.size() + 3;  // two commas and the bracket
    ws::append_head(out, ws::Opcode::text, size);
    out.append(begin);
    append_quoted(out, topic);
    out.push_back(',');
    append_quoted(out, event);
    out.push_back(',');
    out.append(raw_payload);
    out.push_back(']');
}

}  // namespace roost
