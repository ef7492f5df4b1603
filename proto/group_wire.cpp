#include "proto/group_wire.hpp"

#include <algorithm>
#include <cctype>

#include "proto/big_endian.hpp"
#include "proto/limits.hpp"
#include "proto/msgpack_reader.hpp"
#include "proto/topic_pattern.hpp"

namespace roost::group {

namespace {

constexpr std::size_t known_max = 4096;
constexpr std::size_t marks_max = known_max * 16;
constexpr std::size_t ranges_max = 4096;
constexpr std::size_t counts_max = 1000;
constexpr std::size_t fence_head_bytes = 18;
constexpr std::size_t mark_bytes = 11;

using Reader = MsgpackReader;

// Names and addresses; nothing that has a meaning in an endpoint of ZeroMQ.
bool is_host(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == ':' || c == '-' || c == '_';
    });
}

msgpack::object_handle unpack(std::string_view bytes) {
    if (bytes.size() > limits::group_answer_bytes_max) throw Malformed{"message is too big"};
    // Kinds and depths that this version does not use are let through here, so that a message of
    // another version is known for what it is; the Reader refuses them.
    constexpr std::size_t items_max = known_max * 20;
    const msgpack::unpack_limit limit(items_max, items_max, limits::group_message_bytes_max,
                                      limits::group_answer_bytes_max, items_max, 16);
    std::size_t end = 0;
    auto handle = msgpack::unpack(bytes.data(), bytes.size(), end, nullptr, nullptr, limit);
    if (end != bytes.size()) throw Malformed{"message has bytes behind its end"};
    return handle;
}

template <class T, class F>
Result<T, std::string> decoded(F decode) {
    try {
        return decode();
    } catch (const Malformed& malformed) {
        return Unexpected{malformed.what};
    } catch (const msgpack::unpack_error&) {
        return Unexpected{std::string("message is not msgpack, or beyond its limits")};
    }
}

using Packer = msgpack::packer<msgpack::sbuffer>;

void pack(Packer& packer, const Identity& identity) {
    packer.pack_array(8);
    packer.pack(identity.group).pack(identity.name).pack(identity.incarnation);
    packer.pack(identity.host).pack(identity.router_port).pack(identity.pub_port);
    packer.pack(identity.bits);
    packer.pack_array(static_cast<std::uint32_t>(identity.known.size()));
    for (const auto& endpoint : identity.known) {
        packer.pack_array(2).pack(endpoint.host).pack(endpoint.port);
    }
}

Identity read_identity(Reader reader) {
    Identity identity;
    identity.group = reader.text(limits::name_bytes_max);
    identity.name = reader.text(limits::name_bytes_max);
    identity.incarnation = reader.number(UINT64_MAX);
    identity.host = reader.text(253);
    identity.router_port = static_cast<std::uint16_t>(reader.number(UINT16_MAX));
    identity.pub_port = static_cast<std::uint16_t>(reader.number(UINT16_MAX));
    if (!is_host(identity.host)) throw Malformed{"identity has a host that is none"};
    if (identity.router_port == 0 || identity.pub_port == 0) {
        throw Malformed{"identity has a port 0"};
    }
    identity.bits = static_cast<std::uint32_t>(reader.number(32));
    Reader known = reader.array(known_max);
    while (known.left() > 0) {
        Reader pair = known.array(2);
        Endpoint endpoint;
        endpoint.host = pair.text(253);
        endpoint.port = static_cast<std::uint16_t>(pair.number(UINT16_MAX));
        if (endpoint.host.empty() || endpoint.port == 0 || !is_host(endpoint.host)) continue;
        identity.known.push_back(endpoint);
    }
    return identity;
}

template <class F>
std::string encoded(const char* kind, F pack_body) {
    msgpack::sbuffer buffer;
    Packer packer(buffer);
    packer.pack_array(3).pack(std::string_view(kind)).pack(protocol_version);
    pack_body(packer);
    return {buffer.data(), buffer.size()};
}

void pack_bytes(Packer& packer, std::string_view bytes) {
    packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
    packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

std::string bytes_of(const std::vector<Bucket>& buckets) {
    std::string bytes;
    bytes.reserve(2 * buckets.size());
    for (const Bucket bucket : buckets) append_big_endian(bytes, bucket);
    return bytes;
}

std::vector<Bucket> read_buckets(std::string_view bytes) {
    if (bytes.size() % 2 != 0) throw Malformed{"buckets end in the middle of one"};
    std::vector<Bucket> buckets;
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
        buckets.push_back(read_big_endian<std::uint16_t>(&bytes[at]));
    }
    return buckets;
}

void append_marks(std::string& bytes, const std::vector<StreamMark>& marks) {
    for (const auto& mark : marks) {
        bytes.push_back(static_cast<char>(mark.shard));
        append_big_endian(bytes, mark.bucket);
        append_big_endian(bytes, mark.number);
    }
}

std::vector<StreamMark> read_marks(std::string_view bytes) {
    if (bytes.size() % mark_bytes != 0) throw Malformed{"marks end in the middle of one"};
    std::vector<StreamMark> marks;
    for (std::size_t at = 0; at < bytes.size(); at += mark_bytes) {
        marks.push_back({static_cast<std::uint8_t>(bytes[at]),
                         read_big_endian<std::uint16_t>(&bytes[at + 1]),
                         read_big_endian<std::uint64_t>(&bytes[at + 3])});
    }
    return marks;
}

void pack(Packer& packer, const std::vector<Range>& ranges) {
    packer.pack_array(static_cast<std::uint32_t>(ranges.size()));
    for (const auto& range : ranges) {
        packer.pack_array(4).pack(range.shard).pack(range.bucket).pack(range.from).pack(range.to);
    }
}

std::vector<Range> read_ranges(Reader rows) {
    std::vector<Range> ranges;
    while (rows.left() > 0) {
        Reader row = rows.array(4);
        Range range;
        range.shard = static_cast<std::uint8_t>(row.number(UINT8_MAX));
        range.bucket = static_cast<Bucket>(row.number(UINT16_MAX));
        range.from = row.number(UINT64_MAX);
        range.to = row.number(UINT64_MAX);
        if (range.from == 0 || range.to < range.from) throw Malformed{"range is none"};
        ranges.push_back(range);
    }
    return ranges;
}

Coverage read_coverage(Reader row) {
    Coverage coverage;
    coverage.origin.incarnation = row.number(UINT64_MAX);
    coverage.origin.shard = static_cast<std::uint8_t>(row.number(UINT8_MAX));
    coverage.floor = row.number(UINT64_MAX);
    coverage.last = row.number(UINT64_MAX);
    if (row.truth()) coverage.floor_age_ms = row.number(UINT32_MAX);
    return coverage;
}

PollQuestion read_poll_question(Reader body) {
    PollQuestion question;
    question.serial = body.number(UINT64_MAX);
    question.request.token.home.incarnation = body.number(UINT64_MAX);
    question.request.token.home.shard = static_cast<std::uint8_t>(body.number(UINT8_MAX));
    question.request.token.secret = body.bytes();
    question.request.kind = static_cast<PollKind>(body.number(poll_kinds - 1));
    question.request.body = body.bytes();
    return question;
}

PollReply read_poll_reply(Reader body) {
    PollReply reply;
    reply.serial = body.number(UINT64_MAX);
    reply.answer.status = static_cast<unsigned>(body.number(999));
    reply.answer.body = body.bytes();
    return reply;
}

Offer read_offer(Reader body) {
    Offer offer;
    offer.sender = body.number(UINT64_MAX);
    Reader rows = body.array(lanes_max);
    while (rows.left() > 0) {
        Reader row = rows.array(2);
        const auto kind = static_cast<backend::Kind>(row.number(backend::kinds - 1));
        auto pattern = row.text(limits::topic_bytes_max);
        if (!is_topic_pattern(pattern) && !(pattern.empty() && kind == backend::Kind::connect)) {
            throw Malformed{"offer has a pattern that is none"};
        }
        offer.lanes.emplace_back(kind, std::move(pattern));
    }
    return offer;
}

DeliveryReply read_delivery_reply(Reader body) {
    DeliveryReply reply;
    reply.serial = body.number(UINT64_MAX);
    Reader counts = body.array(counts_max);
    while (counts.left() > 0) reply.counts.push_back(counts.number(UINT32_MAX));
    return reply;
}

HistoryAnswer read_history(Reader body) {
    HistoryAnswer answer;
    answer.serial = body.number(UINT64_MAX);
    Reader rows = body.array(marks_max);
    while (rows.left() > 0) answer.coverage.push_back(read_coverage(rows.array(6)));
    Reader messages = body.array(marks_max);
    while (messages.left() > 0) {
        Reader row = messages.array(2);
        HistoryAnswer::Kept kept;
        kept.age_ms = row.number(UINT32_MAX);
        kept.wire = row.bytes();
        answer.messages.push_back(std::move(kept));
    }
    return answer;
}

}  // namespace

std::string bucket_key(Bucket bucket) {
    std::string key(1, Broadcast::key_byte);
    append_big_endian(key, bucket);
    return key;
}

std::string key_of(const FenceKey& fence) {
    std::string key(1, fence_key);
    append_big_endian(key, fence.id.asker);
    append_big_endian(key, fence.id.serial);
    key.push_back(static_cast<char>(fence.buckets.size()));
    return key + bytes_of(fence.buckets);
}

std::optional<FenceKey> fence_of(std::string_view key) {
    if (key.size() < fence_head_bytes || key[0] != fence_key) return std::nullopt;
    const std::size_t count = static_cast<std::uint8_t>(key[fence_head_bytes - 1]);
    if (key.size() != fence_head_bytes + 2 * count) return std::nullopt;
    return FenceKey{
        {read_big_endian<std::uint64_t>(&key[1]), read_big_endian<std::uint64_t>(&key[9])},
        read_buckets(key.substr(fence_head_bytes))};
}

std::string encode(const Heartbeat& heartbeat) {
    msgpack::sbuffer buffer;
    buffer.write(&heartbeat_key, 1);
    Packer packer(buffer);
    packer.pack_array(4).pack(heartbeat.sender).pack(heartbeat.goodbye).pack(heartbeat.number);
    packer.pack_array(static_cast<std::uint32_t>(heartbeat.moved.size()));
    for (const auto& mark : heartbeat.moved) {
        packer.pack_array(3).pack(mark.shard).pack(mark.bucket).pack(mark.number);
    }
    return {buffer.data(), buffer.size()};
}

std::string encode(const FenceAnswer& answer) {
    std::string bytes = key_of(answer.fence);
    append_big_endian(bytes, answer.sender);
    append_marks(bytes, answer.marks);
    return bytes;
}

std::string encode(const Hello& hello) {
    return encoded("hello", [&](Packer& packer) { pack(packer, hello.identity); });
}
std::string encode(const Welcome& welcome) {
    return encoded("welcome", [&](Packer& packer) { pack(packer, welcome.identity); });
}
std::string encode(const Refusal& refusal) {
    return encoded("refusal", [&](Packer& packer) { packer.pack(refusal.reason); });
}

std::string encode(const Where& where) {
    return encoded("where", [&](Packer& packer) {
        packer.pack_array(2).pack(where.round);
        pack_bytes(packer, bytes_of(where.buckets));
    });
}

std::string encode(const Marks& marks) {
    return encoded("marks", [&](Packer& packer) {
        std::string bytes;
        append_marks(bytes, marks.marks);
        packer.pack_array(3).pack(marks.round);
        pack_bytes(packer, bytes_of(marks.buckets));
        pack_bytes(packer, bytes);
    });
}

std::string encode(const Repair& repair) {
    return encoded("repair", [&](Packer& packer) { pack(packer, repair.ranges); });
}
std::string encode(const Repaired& repaired) {
    return encoded("repaired", [&](Packer& packer) { pack(packer, repaired.ranges); });
}

std::string encode(const HistoryQuestion& question) {
    return encoded("history?", [&](Packer& packer) {
        packer.pack_array(3).pack(question.serial).pack(question.topic).pack(question.count);
    });
}

std::string encode(const HistoryAnswer& answer) {
    return encoded("history", [&](Packer& packer) {
        packer.pack_array(3).pack(answer.serial);
        packer.pack_array(static_cast<std::uint32_t>(answer.coverage.size()));
        for (const auto& row : answer.coverage) {
            packer.pack_array(6).pack(row.origin.incarnation).pack(row.origin.shard);
            packer.pack(row.floor).pack(row.last).pack(row.floor_age_ms.has_value());
            packer.pack(row.floor_age_ms.value_or(0));
        }
        packer.pack_array(static_cast<std::uint32_t>(answer.messages.size()));
        for (const auto& kept : answer.messages) {
            packer.pack_array(2).pack(kept.age_ms);
            pack_bytes(packer, kept.wire);
        }
    });
}

std::string encode(const PollQuestion& question) {
    return encoded("poll?", [&](Packer& packer) {
        const PollRequest& request = question.request;
        packer.pack_array(6).pack(question.serial).pack(request.token.home.incarnation);
        packer.pack(request.token.home.shard);
        pack_bytes(packer, request.token.secret);
        packer.pack(static_cast<std::uint8_t>(request.kind));
        pack_bytes(packer, request.body);
    });
}

std::string encode(const PollReply& reply) {
    return encoded("poll", [&](Packer& packer) {
        packer.pack_array(3).pack(reply.serial).pack(reply.answer.status);
        pack_bytes(packer, reply.answer.body);
    });
}

std::string encode(const Offer& offer) {
    return encoded("offer", [&](Packer& packer) {
        packer.pack_array(2).pack(offer.sender);
        packer.pack_array(static_cast<std::uint32_t>(offer.lanes.size()));
        for (const auto& [kind, pattern] : offer.lanes) {
            packer.pack_array(2).pack(static_cast<std::uint8_t>(kind)).pack(pattern);
        }
    });
}

std::string encode(const BackendQuestion& question) {
    return encoded("ask?", [&](Packer& packer) {
        packer.pack_array(1);
        pack_bytes(packer, question.body);
    });
}

std::string encode(const BackendReply& reply) {
    return encoded("ask", [&](Packer& packer) {
        packer.pack_array(3).pack(reply.serial).pack(static_cast<std::uint8_t>(reply.outcome));
        pack_bytes(packer, reply.body);
    });
}

std::string encode(const DeliveryQuestion& question) {
    return encoded("deliver?", [&](Packer& packer) {
        packer.pack_array(1);
        pack_bytes(packer, question.body);
    });
}

std::string encode(const DeliveryReply& reply) {
    return encoded("deliver", [&](Packer& packer) {
        packer.pack_array(2).pack(reply.serial);
        packer.pack_array(static_cast<std::uint32_t>(reply.counts.size()));
        for (const auto count : reply.counts) packer.pack(count);
    });
}

Result<Published, std::string> decode_published(std::string_view bytes, unsigned bits) {
    if (bytes.empty()) return Unexpected{std::string("message is empty")};
    if (bytes[0] == Broadcast::key_byte) {
        auto broadcast = Broadcast::parse(bytes, bits);
        if (!broadcast) return Unexpected{std::string("broadcast is malformed")};
        return Published{*broadcast};
    }
    if (bytes[0] == fence_key) {
        const std::size_t buckets =
            bytes.size() < fence_head_bytes
                ? 0
                : std::size_t{static_cast<std::uint8_t>(bytes[fence_head_bytes - 1])};
        const std::size_t key_bytes = fence_head_bytes + 2 * buckets;
        if (bytes.size() < key_bytes + 8 || (bytes.size() - key_bytes - 8) % mark_bytes != 0) {
            return Unexpected{std::string("fence answer is malformed")};
        }
        return Published{FenceAnswer{*fence_of(bytes.substr(0, key_bytes)),
                                     read_big_endian<std::uint64_t>(&bytes[key_bytes]),
                                     read_marks(bytes.substr(key_bytes + 8))}};
    }
    if (bytes[0] != heartbeat_key) return Unexpected{std::string("message has an unknown key")};
    return decoded<Published>([&]() -> Published {
        const auto handle = unpack(bytes.substr(1));
        Reader reader(handle.get(), "heartbeat");
        Heartbeat heartbeat;
        heartbeat.sender = reader.number(UINT64_MAX);
        heartbeat.goodbye = reader.truth();
        heartbeat.number = reader.number(UINT64_MAX);
        Reader moved = reader.array(marks_max);
        while (moved.left() > 0) {
            Reader mark = moved.array(3);
            StreamMark read;
            read.shard = static_cast<std::uint8_t>(mark.number(UINT8_MAX));
            read.bucket = static_cast<Bucket>(mark.number(UINT16_MAX));
            read.number = mark.number(UINT64_MAX);
            heartbeat.moved.push_back(read);
        }
        return heartbeat;
    });
}

Result<Directed, std::string> decode_directed(std::string_view bytes, unsigned bits) {
    // A message that was asked for again: no msgpack array begins like this.
    if (bytes.starts_with(Broadcast::key_byte)) {
        auto broadcast = Broadcast::parse(bytes, bits);
        if (!broadcast) return Unexpected{std::string("broadcast is malformed")};
        return Directed{*broadcast};
    }
    return decoded<Directed>([&]() -> Directed {
        const auto handle = unpack(bytes);
        Reader reader(handle.get(), "message");
        const auto kind = reader.text(16);
        const auto version = static_cast<std::uint32_t>(reader.number(UINT32_MAX));
        // A refusal is read in any version, so that both sides can say why they do not talk.
        if (kind == "refusal") return Refusal{reader.text(1024)};
        if (version != protocol_version) return OtherVersion{version};
        if (kind == "hello") return Hello{read_identity(reader.array(64))};
        if (kind == "welcome") return Welcome{read_identity(reader.array(64))};
        if (kind == "repair") return Repair{read_ranges(reader.array(ranges_max))};
        if (kind == "repaired") return Repaired{read_ranges(reader.array(ranges_max))};
        Reader body = reader.array(64);
        if (kind == "where") {
            const auto round = body.number(UINT64_MAX);
            return Where{round, read_buckets(body.bytes())};
        }
        if (kind == "marks") {
            const auto round = body.number(UINT64_MAX);
            auto buckets = read_buckets(body.bytes());
            return Marks{round, std::move(buckets), read_marks(body.bytes())};
        }
        if (kind == "history?") {
            HistoryQuestion question;
            question.serial = body.number(UINT64_MAX);
            question.topic = body.text(limits::topic_bytes_max);
            question.count = body.number(UINT32_MAX);
            return question;
        }
        if (kind == "history") return read_history(body);
        if (kind == "poll?") return read_poll_question(body);
        if (kind == "poll") return read_poll_reply(body);
        if (kind == "offer") return read_offer(body);
        if (kind == "ask?") return BackendQuestion{std::string(body.bytes())};
        if (kind == "deliver?") return DeliveryQuestion{std::string(body.bytes())};
        if (kind == "deliver") return read_delivery_reply(body);
        if (kind == "ask") {
            const auto serial = body.number(UINT64_MAX);
            const auto outcome = body.number(backend::outcomes - 1);
            return BackendReply{serial, static_cast<backend::Outcome::Kind>(outcome),
                                std::string(body.bytes())};
        }
        throw Malformed{"message is of an unknown kind"};
    });
}

}  // namespace roost::group
