#include "proto/broadcast.hpp"

#include "proto/big_endian.hpp"
#include "proto/client_text.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {
constexpr char format_v2_text = 1;
constexpr std::size_t content_bytes_max = std::size_t{1} << 31;
}  // namespace

std::string incarnation_text(Incarnation incarnation) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(digits[incarnation >> shift & 15]);
    return text;
}

std::string position_text(const Origin& origin, std::uint64_t number) {
    return incarnation_text(origin.incarnation) + "." + std::to_string(origin.shard) + "/" +
           std::to_string(number);
}

BroadcastRef Broadcast::encode(const Origin& origin, std::uint64_t number, std::string_view topic,
                               std::string_view event, std::string_view payload) {
    std::shared_ptr<Broadcast> made(new Broadcast);
    made->origin_ = origin;
    made->number_ = number;
    made->bucket_ = bucket_of(topic);
    made->topic_bytes_ = static_cast<std::uint16_t>(topic.size());
    made->event_bytes_ = static_cast<std::uint16_t>(event.size());
    made->payload_bytes_ = static_cast<std::uint32_t>(payload.size());

    std::string& out = made->wire_;
    out.reserve(head_bytes + 2 * (topic.size() + event.size()) + payload.size() + 32);
    out.push_back(key_byte);
    append_big_endian(out, made->bucket_);
    append_big_endian(out, origin.incarnation);
    out.push_back(static_cast<char>(origin.shard));
    append_big_endian(out, number);
    out.push_back(format_v2_text);
    append_big_endian(out, made->topic_bytes_);
    append_big_endian(out, made->event_bytes_);
    append_big_endian(out, made->payload_bytes_);
    out.append(topic).append(event);
    append_broadcast_frame(out, topic, event, payload);
    return made;
}

Result<BroadcastRef, BroadcastError> Broadcast::parse(std::string_view wire) {
    if (wire.size() < head_bytes || wire[0] != key_byte) {
        return Unexpected{BroadcastError::truncated};
    }
    std::shared_ptr<Broadcast> made(new Broadcast);
    made->bucket_ = read_big_endian<std::uint16_t>(&wire[1]);
    made->origin_.incarnation = read_big_endian<std::uint64_t>(&wire[3]);
    made->origin_.shard = static_cast<std::uint8_t>(wire[11]);
    made->number_ = read_big_endian<std::uint64_t>(&wire[12]);
    if (wire[20] != format_v2_text) return Unexpected{BroadcastError::unknown_format};
    made->topic_bytes_ = read_big_endian<std::uint16_t>(&wire[21]);
    made->event_bytes_ = read_big_endian<std::uint16_t>(&wire[23]);
    made->payload_bytes_ = read_big_endian<std::uint32_t>(&wire[25]);
    const std::size_t texts = std::size_t{made->topic_bytes_} + made->event_bytes_;
    if (wire.size() < head_bytes + texts || wire.size() > content_bytes_max) {
        return Unexpected{BroadcastError::truncated};
    }
    const auto content = ws::content_of(wire.substr(head_bytes + texts), ws::Opcode::text);
    if (!content || content->size() < std::size_t{made->payload_bytes_} + 1) {
        return Unexpected{BroadcastError::bad_frame};
    }
    if (bucket_of(wire.substr(head_bytes, made->topic_bytes_)) != made->bucket_) {
        return Unexpected{BroadcastError::wrong_bucket};
    }
    made->wire_.assign(wire);
    return BroadcastRef(std::move(made));
}

}  // namespace roost
