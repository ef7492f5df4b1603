// broadcast: one published message, encoded once for every client and every node.
//
// The bytes are at the same time the message between nodes and, at their end, the WebSocket frame
// that each subscriber is sent:
//
//   01 | bucket 2 | incarnation 8 | shard 1 | number 8 | format 1 | id n 1 | topic n 2 | event n 2
//   | payload n 4 | id | topic | event | frame
//
// Numbers are big-endian. The first three bytes are the subscription key. A Broadcast is immutable
// and shared between threads by BroadcastRef.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/bucket.hpp"
#include "proto/result.hpp"

namespace roost {

using Incarnation = std::uint64_t;

// A shard as a publisher.
struct Origin {
    Incarnation incarnation = 0;
    std::uint8_t shard = 0;
    auto operator<=>(const Origin&) const = default;
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
        std::string_view payload;       // valid JSON
        std::string_view id;  // the publisher's own, by which a repetition is known; or empty
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
    std::string_view topic() const { return slice(head_bytes + id_bytes_, topic_bytes_); }
    std::string_view event() const {
        return slice(head_bytes + id_bytes_ + topic_bytes_, event_bytes_);
    }
    // The JSON text of the payload.
    std::string_view payload() const {
        return slice(wire_.size() - 1 - payload_bytes_, payload_bytes_);
    }
    // The WebSocket frame in Phoenix V2 text.
    std::string_view frame() const {
        return std::string_view(wire_).substr(head_bytes + id_bytes_ + topic_bytes_ + event_bytes_);
    }
    // The same with the position in the place of the ref.
    std::string positioned_frame() const;

    static constexpr std::size_t head_bytes = 30;
    static constexpr char key_byte = 1;

private:
    Broadcast() = default;
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
    Bucket bucket_ = 0;
};

}  // namespace roost
