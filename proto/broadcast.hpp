// broadcast: one published message, encoded once for every client and every node.
//
// The bytes are at the same time the message between nodes and, at their end, the WebSocket frame
// that each subscriber is sent:
//
//   01 | bucket 2 | incarnation 8 | shard 1 | number 8 | format 1 | id n 1 | topic n 2 | event n 2
//   | payload n 4 | id | except | topic | event | frame
//
// Numbers are big-endian. The first three bytes are the subscription key. Format 1 is a payload of
// JSON in a frame of Phoenix V2 text, format 2 one of any bytes in a frame of V2 binary. With 16
// added to it there is `except`, a session that is not shown the message (incarnation 8, shard 1,
// serial 8); else that is empty. A Broadcast is immutable and shared between threads by
// BroadcastRef.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/bucket.hpp"
#include "proto/client_message.hpp"
#include "proto/result.hpp"

namespace roost {

using Incarnation = std::uint64_t;

// A shard as a publisher.
struct Origin {
    Incarnation incarnation = 0;
    std::uint8_t shard = 0;
    auto operator<=>(const Origin&) const = default;
};

// One client's connection. Its text: proto/session.hpp.
struct SessionId {
    Origin home;  // the shard that holds the connection
    std::uint64_t serial = 0;
    auto operator<=>(const SessionId&) const = default;
};

// "origin/number": where a message stands in its stream, as clients see it.
std::string position_text(const Origin& origin, std::uint64_t number);
std::string origin_text(const Origin& origin);
std::optional<Origin> parse_origin(std::string_view text);
std::string incarnation_text(Incarnation incarnation);

// Numbers from..to of a stream that are lost for good.
struct Gap {
    Origin origin;
    Bucket bucket = 0;
    std::uint64_t from = 0, to = 0;
    bool operator==(const Gap&) const = default;
};

enum class BroadcastError { truncated, unknown_format, bad_number, wrong_bucket, bad_frame };

class Broadcast;
using BroadcastRef = std::shared_ptr<const Broadcast>;

class Broadcast {
public:
    struct Content {
        std::string_view topic, event;  // UTF-8 within the limits
        std::string_view payload;       // valid JSON, or any bytes
        std::string_view id;     // the publisher's own, by which a repetition is known; or empty
        bool is_binary = false;  // any bytes: topic and event are at most 255 bytes
        std::optional<SessionId> except = std::nullopt;  // is not shown it
    };
    static BroadcastRef encode(const Origin& origin, std::uint64_t number, const Content& content,
                               unsigned bits = bucket_bits_max);
    // Bytes of a peer: all lengths, the bucket and the frame's head are checked.
    static Result<BroadcastRef, BroadcastError> parse(std::string_view wire,
                                                      unsigned bits = bucket_bits_max);

    std::string_view wire() const { return wire_; }
    Bucket bucket() const { return bucket_; }
    const Origin& origin() const { return origin_; }
    std::uint64_t number() const { return number_; }
    std::string position() const { return position_text(origin_, number_); }
    std::string_view id() const { return slice(head_bytes, id_bytes_); }
    bool has_exception() const { return except_bytes_ != 0; }
    std::optional<SessionId> except() const;
    std::string_view topic() const { return slice(names_at(), topic_bytes_); }
    std::string_view event() const { return slice(names_at() + topic_bytes_, event_bytes_); }
    bool is_binary() const { return is_binary_; }
    // JSON text, or any bytes.
    std::string_view payload() const {
        const std::size_t behind = is_binary_ ? 0 : 1;  // the array's bracket
        return slice(wire_.size() - behind - payload_bytes_, payload_bytes_);
    }
    // The WebSocket frame that most are sent: Phoenix V2, without position.
    std::string_view frame() const {
        return std::string_view(wire_).substr(names_at() + topic_bytes_ + event_bytes_);
    }
    // What others are sent. A position stands in the place of the ref; a binary frame, which has no
    // such place, is followed by one with the event roost:position. Who reads no bytes is told them
    // as JSON.
    bool is_common(Wire wire, bool is_positioned) const {
        return !is_positioned && (wire == Wire::v2 || (wire == Wire::v2_text && !is_binary_));
    }
    std::string frame_for(Wire wire, bool is_positioned) const;

    static constexpr std::size_t head_bytes = 30;
    static constexpr char key_byte = 1;

private:
    struct Maker;
    Broadcast() = default;
    bool is_frame_content(std::string_view content, std::string_view topic,
                          std::string_view event) const;
    std::size_t names_at() const { return head_bytes + id_bytes_ + except_bytes_; }
    std::string_view slice(std::size_t at, std::size_t size) const {
        return std::string_view(wire_).substr(at, size);
    }

    std::string wire_;
    Origin origin_;
    std::uint64_t number_ = 0;
    std::uint32_t payload_bytes_ = 0;
    std::uint16_t topic_bytes_ = 0;
    std::uint16_t event_bytes_ = 0;
    std::uint8_t id_bytes_ = 0;
    std::uint8_t except_bytes_ = 0;
    bool is_binary_ = false;
    Bucket bucket_ = 0;
};

}  // namespace roost
