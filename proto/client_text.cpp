#include "proto/client_text.hpp"

#include "proto/limits.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

std::string_view reason_of(FrameError error) {
    switch (error) {
        case FrameError::not_json: return "frame is not JSON";
        case FrameError::not_utf8: return "frame is not UTF-8";
        case FrameError::too_deep: return "frame is nested too deeply";
        case FrameError::not_an_array: return "frame is not an array";
        case FrameError::too_few_elements: return "frame does not have 5 elements";
        case FrameError::event_not_a_string: return "event is not a string";
        case FrameError::too_long: return "ref, topic or event is too long";
    }
    return "frame is not valid";
}

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

std::string framed(const std::string& content) {
    std::string frame;
    frame.reserve(content.size() + ws::head_bytes_max);
    ws::append_head(frame, ws::Opcode::text, content.size());
    frame.append(content);
    return frame;
}

std::string message_head(std::string_view raw_join_ref, std::string_view raw_ref,
                         std::string_view raw_topic) {
    std::string text;
    text.append("[").append(raw_join_ref).append(",").append(raw_ref).append(",");
    text.append(raw_topic).append(",");
    return text;
}

}  // namespace

Result<ClientMessage, FrameError> decode_text(JsonReader& reader, std::string_view text,
                                              TextScratch& scratch) {
    const auto array = reader.slice_array(text);
    if (!array) return Unexpected{frame_error_of(array.error())};
    if (array->size < JsonArray::kept_max) return Unexpected{FrameError::too_few_elements};

    ClientMessage message;
    message.join_ref = array->elements[0];
    message.ref = array->elements[1];
    message.raw_topic = array->elements[2];
    const auto raw_event = array->elements[3];
    message.payload = array->elements[4];
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

std::string reply_frame(std::string_view raw_join_ref, std::string_view raw_ref,
                        std::string_view raw_topic, std::string_view status,
                        std::string_view raw_response) {
    auto text = message_head(raw_join_ref, raw_ref, raw_topic);
    text.append(R"("phx_reply",{"response":)").append(raw_response).append(R"(,"status":)");
    append_quoted(text, status);
    text.append("}]");
    return framed(text);
}

std::string push_frame(std::string_view raw_join_ref, std::string_view raw_ref,
                       std::string_view raw_topic, std::string_view event,
                       std::string_view raw_payload) {
    auto text = message_head(raw_join_ref, raw_ref, raw_topic);
    append_quoted(text, event);
    text.append(",").append(raw_payload).append("]");
    return framed(text);
}

void append_broadcast_frame(std::string& out, std::string_view raw_ref, std::string_view topic,
                            std::string_view event, std::string_view raw_payload) {
    std::string text = "[null,";
    text.append(raw_ref).push_back(',');
    append_quoted(text, topic);
    text.push_back(',');
    append_quoted(text, event);
    text.push_back(',');
    ws::append_head(out, ws::Opcode::text, text.size() + raw_payload.size() + 1);
    out.append(text).append(raw_payload);
    out.push_back(']');
}

}  // namespace roost
