#include "proto/client_binary.hpp"

#include <sodium.h>

#include <vector>

#include "proto/json.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {
constexpr char push_kind = 0;
constexpr char broadcast_kind = 2;
constexpr char reply_kind = 1;
constexpr std::size_t push_head_bytes = 5;

std::string text_of_raw(std::string_view raw) {
    if (is_json_null(raw)) return {};
    std::string scratch;
    return std::string(is_json_string(raw) ? unquote(raw, scratch) : raw);
}

std::optional<std::string> frame_of(char kind, const std::vector<std::string>& names,
                                    std::string_view data) {
    std::string head(1, kind), texts;
    for (const auto& name : names) {
        if (name.size() > binary_name_bytes_max) return std::nullopt;
        head.push_back(static_cast<char>(name.size()));
        texts.append(name);
    }
    std::string frame;
    ws::append_head(frame, ws::Opcode::binary, head.size() + texts.size() + data.size());
    return frame.append(head).append(texts).append(data);
}
}  // namespace

Result<ClientMessage, FrameError> decode_binary(std::string_view frame, FrameScratch& scratch) {
    if (frame.size() < push_head_bytes || frame[0] != push_kind) {
        return Unexpected{FrameError::bad_binary};
    }
    std::size_t at = push_head_bytes;
    const auto field = [&](std::size_t index) {
        const auto size = static_cast<unsigned char>(frame[index]);
        // A field that begins behind the end makes the frame too short, and that is seen below.
        const auto text = at <= frame.size() ? frame.substr(at, size) : std::string_view();
        at += size;
        return text;
    };
    const auto join_ref = field(1), ref = field(2), topic = field(3), event = field(4);
    // Each by itself: a character that begins in one and ends in the next is in neither.
    const bool are_texts = is_utf8(join_ref) && is_utf8(ref) && is_utf8(topic) && is_utf8(event);
    if (at > frame.size() || !are_texts) return Unexpected{FrameError::bad_binary};
    const auto quoted = [](std::string& out, std::string_view text) {
        out.clear();
        append_quoted(out, text);
        return std::string_view(out);
    };
    ClientMessage message;
    message.join_ref = quoted(scratch.join_ref, join_ref);
    message.ref = quoted(scratch.ref, ref);
    message.raw_topic = quoted(scratch.raw_topic, topic);
    message.topic = topic;
    message.event = event;
    message.payload = frame.substr(at);
    message.is_topic_a_string = true;
    message.is_binary = true;
    return message;
}

std::string binary_broadcast_head(std::string_view topic, std::string_view event) {
    std::string head{broadcast_kind, static_cast<char>(topic.size()),
                     static_cast<char>(event.size())};
    return head.append(topic).append(event);
}

void append_binary_broadcast_frame(std::string& out, std::string_view topic, std::string_view event,
                                   std::string_view data) {
    const auto head = binary_broadcast_head(topic, event);
    ws::append_head(out, ws::Opcode::binary, head.size() + data.size());
    out.append(head).append(data);
}

std::optional<std::string> binary_reply_frame(std::string_view raw_join_ref,
                                              std::string_view raw_ref, std::string_view raw_topic,
                                              std::string_view status, std::string_view data) {
    return frame_of(reply_kind,
                    {text_of_raw(raw_join_ref), text_of_raw(raw_ref), text_of_raw(raw_topic),
                     std::string(status)},
                    data);
}

std::optional<std::string> binary_push_frame(std::string_view raw_join_ref,
                                             std::string_view raw_topic, std::string_view event,
                                             std::string_view data) {
    return frame_of(push_kind,
                    {text_of_raw(raw_join_ref), text_of_raw(raw_topic), std::string(event)}, data);
}

std::string json_of_bytes(std::string_view data) {
    constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
    std::string text(sodium_base64_ENCODED_LEN(data.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(data.data()),
                      data.size(), variant);
    text.pop_back();  // the terminating zero
    return R"({"base64":")" + text + R"("})";
}

}  // namespace roost
