#include "proto/broadcast.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "proto/big_endian.hpp"
#include "proto/client_binary.hpp"
#include "proto/client_text.hpp"
#include "proto/json.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {
constexpr char format_v2_text = 1;
constexpr char format_v2_binary = 2;
constexpr char with_exception = 16;
constexpr std::uint8_t except_bytes = 17;
constexpr std::size_t content_bytes_max = std::size_t{1} << 31;
}  // namespace

// One that make_shared can make.
struct Broadcast::Maker : Broadcast {};

std::string incarnation_text(Incarnation incarnation) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(digits[incarnation >> shift & 15]);
    return text;
}

std::string origin_text(const Origin& origin) {
    return incarnation_text(origin.incarnation) + "." + std::to_string(origin.shard);
}

std::string position_text(const Origin& origin, std::uint64_t number) {
    return origin_text(origin) + "/" + std::to_string(number);
}

std::optional<Origin> parse_origin(std::string_view text) {
    constexpr std::size_t digits = 16;
    if (text.size() < digits + 2 || text[digits] != '.') return std::nullopt;
    Origin origin;
    const char* end = text.data() + text.size();
    const auto hex = std::from_chars(text.data(), text.data() + digits, origin.incarnation, 16);
    const auto shard = std::from_chars(text.data() + digits + 1, end, origin.shard);
    // One spelling only: what is not the text of the origin is not the origin.
    if (hex.ec != std::errc() || shard.ec != std::errc() || origin_text(origin) != text) {
        return std::nullopt;
    }
    return origin;
}

BroadcastRef Broadcast::encode(const Origin& origin, std::uint64_t number, const Content& content,
                               unsigned bits) {
    const auto& [topic, event, payload, id, is_binary, except] = content;
    auto made = std::make_shared<Maker>();
    made->origin_ = origin;
    made->number_ = number;
    made->bucket_ = bucket_of(topic, bits);
    made->id_bytes_ = static_cast<std::uint8_t>(id.size());
    made->except_bytes_ = except ? except_bytes : 0;
    made->topic_bytes_ = static_cast<std::uint16_t>(topic.size());
    made->event_bytes_ = static_cast<std::uint16_t>(event.size());
    made->payload_bytes_ = static_cast<std::uint32_t>(payload.size());
    made->is_binary_ = is_binary;

    std::array<char, head_bytes> head{};
    head[0] = key_byte;
    write_big_endian(&head[1], made->bucket_);
    write_big_endian(&head[3], origin.incarnation);
    head[11] = static_cast<char>(origin.shard);
    write_big_endian(&head[12], number);
    const char format = is_binary ? format_v2_binary : format_v2_text;
    head[20] = except ? static_cast<char>(format | with_exception) : format;
    head[21] = static_cast<char>(made->id_bytes_);
    write_big_endian(&head[22], made->topic_bytes_);
    write_big_endian(&head[24], made->event_bytes_);
    write_big_endian(&head[26], made->payload_bytes_);
    std::string& out = made->wire_;
    out.reserve(head_bytes + 2 * (topic.size() + event.size()) + payload.size() + id.size() + 32);
    out.append(head.data(), head.size()).append(id);
    if (except) {
        append_big_endian(out, except->home.incarnation);
        out.push_back(static_cast<char>(except->home.shard));
        append_big_endian(out, except->serial);
    }
    out.append(topic).append(event);
    if (is_binary) {
        append_binary_broadcast_frame(out, topic, event, payload);
    } else {
        append_broadcast_frame(out, topic, event, payload);
    }
    return made;
}

bool Broadcast::is_frame_content(std::string_view content, std::string_view topic,
                                 std::string_view event) const {
    if (!is_binary_) return content.size() > payload_bytes_;
    // Of a frame with longer names the head would be of other ones.
    return std::max(topic.size(), event.size()) <= binary_name_bytes_max &&
           content.starts_with(binary_broadcast_head(topic, event)) &&
           content.size() == 3 + topic.size() + event.size() + payload_bytes_;
}

Result<BroadcastRef, BroadcastError> Broadcast::parse(std::string_view wire, unsigned bits) {
    if (wire.size() < head_bytes || wire[0] != key_byte) {
        return Unexpected{BroadcastError::truncated};
    }
    auto made = std::make_shared<Maker>();
    made->bucket_ = read_big_endian<std::uint16_t>(&wire[1]);
    made->origin_.incarnation = read_big_endian<std::uint64_t>(&wire[3]);
    made->origin_.shard = static_cast<std::uint8_t>(wire[11]);
    made->number_ = read_big_endian<std::uint64_t>(&wire[12]);
    if (made->number_ == 0) return Unexpected{BroadcastError::bad_number};
    const char format = static_cast<char>(wire[20] & ~with_exception);
    made->is_binary_ = format == format_v2_binary;
    made->except_bytes_ = format == wire[20] ? 0 : except_bytes;
    if (format != format_v2_text && !made->is_binary_) {
        return Unexpected{BroadcastError::unknown_format};
    }
    made->id_bytes_ = static_cast<std::uint8_t>(wire[21]);
    made->topic_bytes_ = read_big_endian<std::uint16_t>(&wire[22]);
    made->event_bytes_ = read_big_endian<std::uint16_t>(&wire[24]);
    made->payload_bytes_ = read_big_endian<std::uint32_t>(&wire[26]);
    const std::size_t texts = std::size_t{made->id_bytes_} + made->except_bytes_ +
                              made->topic_bytes_ + made->event_bytes_;
    if (wire.size() < head_bytes + texts || wire.size() > content_bytes_max) {
        return Unexpected{BroadcastError::truncated};
    }
    const auto topic = wire.substr(made->names_at(), made->topic_bytes_);
    const auto event = wire.substr(made->names_at() + made->topic_bytes_, made->event_bytes_);
    const auto opcode = made->is_binary_ ? ws::Opcode::binary : ws::Opcode::text;
    const auto content = ws::content_of(wire.substr(head_bytes + texts), opcode);
    if (!content || !made->is_frame_content(*content, topic, event)) {
        return Unexpected{BroadcastError::bad_frame};
    }
    if (bucket_of(topic, bits) != made->bucket_) {
        return Unexpected{BroadcastError::wrong_bucket};
    }
    made->wire_.assign(wire);
    return BroadcastRef(std::move(made));
}

std::optional<SessionId> Broadcast::except() const {
    if (!has_exception()) return std::nullopt;
    const char* at = &wire_[head_bytes + id_bytes_];
    return SessionId{{read_big_endian<std::uint64_t>(at), static_cast<std::uint8_t>(at[8])},
                     read_big_endian<std::uint64_t>(at + 9)};
}

std::string Broadcast::frame_for(Wire wire, bool is_positioned) const {
    if (is_common(wire, is_positioned)) return std::string(frame());
    std::string raw_topic;
    append_quoted(raw_topic, topic());
    const std::string raw_ref = is_positioned ? '"' + position() + '"' : "null";
    if (is_binary_ && wire == Wire::v2) {
        return std::string(frame()).append(
            push_frame(wire, "null", raw_ref, raw_topic, "roost:position", "{}"));
    }
    const std::string bytes = is_binary_ ? json_of_bytes(payload()) : std::string();
    return push_frame(wire, "null", raw_ref, raw_topic, event(), is_binary_ ? bytes : payload());
}

}  // namespace roost
