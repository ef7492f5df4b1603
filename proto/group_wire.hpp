// group_wire: what nodes say to each other beside broadcasts. Spec: proto/group.md.
//
// On PUB/SUB, messages begin with a key by which they are subscribed; no key is a prefix of
// another:
//
//   00                                heartbeat
//   01 | bucket 2                     broadcast (proto/broadcast.hpp)
//   ff | incarnation 8 | serial 8 | n 1 | bucket 2 * n
//                                     answer to a fence: sorts last, so that on a reconnect, where
//                                     subscriptions are sent again in byte order, it proves the
//                                     rest
//
// On DEALER/ROUTER: hello with its answers welcome and refusal; and the questions where (do your
// streams stand), repair, history, poll and ask with their answers. The first two elements, the
// kind and the protocol version, stay what they are in every version. The messages that a repair
// asks for come as they are, before the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "proto/backend.hpp"
#include "proto/broadcast.hpp"
#include "proto/endpoint.hpp"
#include "proto/long_poll.hpp"
#include "proto/result.hpp"

namespace roost::group {

inline constexpr std::uint32_t protocol_version = 1;

inline constexpr char heartbeat_key = 0;
inline constexpr char fence_key = static_cast<char>(0xff);
inline constexpr std::size_t fence_buckets_max = 255;

std::string bucket_key(Bucket bucket);

struct FenceId {
    Incarnation asker = 0;
    std::uint64_t serial = 0;
    auto operator<=>(const FenceId&) const = default;
};
// What is asked by a fence: to answer it, and where the streams of these buckets stand by then.
struct FenceKey {
    FenceId id;
    std::vector<Bucket> buckets;
    bool operator==(const FenceKey&) const = default;
};
std::string key_of(const FenceKey& fence);
std::optional<FenceKey> fence_of(std::string_view key);

// Where one stream of the sender stands: its last number in this bucket.
struct StreamMark {
    std::uint8_t shard = 0;
    Bucket bucket = 0;
    std::uint64_t number = 0;
    bool operator==(const StreamMark&) const = default;
};

// Sent at a fixed interval, and numbered: one that is missing took its marks with it. `moved` marks
// the streams that moved since the last heartbeat.
struct Heartbeat {
    Incarnation sender = 0;
    bool goodbye = false;
    std::uint64_t number = 0;
    std::vector<StreamMark> moved;
    bool operator==(const Heartbeat&) const = default;
};
struct FenceAnswer {
    FenceKey fence;
    Incarnation sender = 0;
    std::vector<StreamMark> marks;  // those that are not 0
    bool operator==(const FenceAnswer&) const = default;
};

// Who a node is and whom it knows. An empty host means: the address you see me come from.
struct Identity {
    std::string group;
    std::string name;
    Incarnation incarnation = 0;
    std::string host;
    std::uint16_t router_port = 0;
    std::uint16_t pub_port = 0;
    std::uint32_t bits = bucket_bits_max;
    std::vector<Endpoint> known;
    bool operator==(const Identity&) const = default;
};
struct Hello {
    Identity identity;
    bool operator==(const Hello&) const = default;
};
struct Welcome {
    Identity identity;
    bool operator==(const Welcome&) const = default;
};
struct Refusal {
    std::string reason;
    bool operator==(const Refusal&) const = default;
};
// Where do your streams of these buckets stand?
struct Where {
    std::uint64_t round = 0;  // echoed
    std::vector<Bucket> buckets;
    bool operator==(const Where&) const = default;
};
struct Marks {
    std::uint64_t round = 0;
    std::vector<Bucket> buckets;
    std::vector<StreamMark> marks;  // those that are not 0
    bool operator==(const Marks&) const = default;
};
// Numbers from..to of one stream.
struct Range {
    std::uint8_t shard = 0;
    Bucket bucket = 0;
    std::uint64_t from = 0, to = 0;
    bool operator==(const Range&) const = default;
};
// Send these again, as far as you have them.
struct Repair {
    std::vector<Range> ranges;
    bool operator==(const Repair&) const = default;
};
// These were dealt with: what was still there came before this answer, the rest is gone. What was
// asked beyond them is to be asked again.
struct Repaired {
    std::vector<Range> ranges;
    bool operator==(const Repaired&) const = default;
};
// What is kept of a topic? At most `count` messages, the newest.
struct HistoryQuestion {
    std::uint64_t serial = 0;  // echoed
    std::string topic;
    std::uint64_t count = 0;
    bool operator==(const HistoryQuestion&) const = default;
};
// Of one origin's messages of the topic, all above `floor` are there, as far as `last`.
struct Coverage {
    Origin origin;
    std::uint64_t floor = 0;
    std::uint64_t last = 0;
    std::optional<std::uint64_t> floor_age_ms;  // of the message `floor`, if that is what it is
    bool operator==(const Coverage&) const = default;
};
struct HistoryAnswer {
    struct Kept {
        std::uint64_t age_ms = 0;
        std::string wire;
        bool operator==(const Kept&) const = default;
    };
    std::uint64_t serial = 0;
    std::vector<Coverage> coverage;
    std::vector<Kept> messages;
    bool operator==(const HistoryAnswer&) const = default;
};
// A client polls here, and its session is there: bring it what it asks.
struct PollQuestion {
    std::uint64_t serial = 0;  // echoed
    PollRequest request;
    bool operator==(const PollQuestion&) const = default;
};
struct PollReply {
    std::uint64_t serial = 0;
    PollAnswer answer;
    bool operator==(const PollReply&) const = default;
};
inline constexpr std::size_t lanes_max = 4096;
// For what the sender's backends decide: pairs of a kind and a pattern (of connect: empty). It
// stands for the one before it.
struct Offer {
    Incarnation sender = 0;
    std::vector<std::pair<backend::Kind, std::string>> lanes;
    bool operator==(const Offer&) const = default;
};
// A client of the asker's is to be decided about. The body is what a worker is sent of it
// (control::Asked), and says the serial.
struct BackendQuestion {
    std::string body;
    bool operator==(const BackendQuestion&) const = default;
};
struct BackendReply {
    std::uint64_t serial = 0;
    backend::Outcome::Kind outcome{};
    std::string body;  // of one that was answered: what a worker sends (control::Respond)
    bool operator==(const BackendReply&) const = default;
};
// What a client of the asker's control socket wants done on this node, as control::Request: its id
// is echoed as the serial.
struct DeliveryQuestion {
    std::string body;
    bool operator==(const DeliveryQuestion&) const = default;
};
struct DeliveryReply {
    std::uint64_t serial = 0;
    std::vector<std::uint64_t> counts;  // for each message the channels that it reached
    bool operator==(const DeliveryReply&) const = default;
};
// A message that could not be read only because it is of another version.
struct OtherVersion {
    std::uint32_t version = 0;
    bool operator==(const OtherVersion&) const = default;
};

using Published = std::variant<BroadcastRef, Heartbeat, FenceAnswer>;
using Directed =
    std::variant<Hello, Welcome, Refusal, OtherVersion, Where, Marks, Repair, Repaired,
                 HistoryQuestion, HistoryAnswer, PollQuestion, PollReply, Offer, BackendQuestion,
                 BackendReply, DeliveryQuestion, DeliveryReply, BroadcastRef>;

std::string encode(const Heartbeat& heartbeat);
std::string encode(const FenceAnswer& answer);
std::string encode(const Hello& hello);
std::string encode(const Welcome& welcome);
std::string encode(const Refusal& refusal);
std::string encode(const Where& where);
std::string encode(const Marks& marks);
std::string encode(const Repair& repair);
std::string encode(const Repaired& repaired);
std::string encode(const HistoryQuestion& question);
std::string encode(const HistoryAnswer& answer);
std::string encode(const PollQuestion& question);
std::string encode(const PollReply& reply);
std::string encode(const Offer& offer);
std::string encode(const BackendQuestion& question);
std::string encode(const BackendReply& reply);
std::string encode(const DeliveryQuestion& question);
std::string encode(const DeliveryReply& reply);

// Bytes of a peer: hostile until parsed. The error names what was wrong.
Result<Published, std::string> decode_published(std::string_view bytes,
                                                unsigned bits = bucket_bits_max);
Result<Directed, std::string> decode_directed(std::string_view bytes,
                                              unsigned bits = bucket_bits_max);

}  // namespace roost::group
