#include "proto/group_wire.hpp"

#include <algorithm>
#include <cctype>
#include <msgpack.hpp>

#include "proto/big_endian.hpp"
#include "proto/limits.hpp"

namespace roost::group {

namespace {

constexpr std::size_t known_max = 4096;

// Names and addresses; nothing that has a meaning in an endpoint of ZeroMQ.
bool is_host(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == ':' || c == '-' || c == '_';
    });
}

struct Malformed {
    std::string what;
};

// A cursor over one msgpack array. Throws Malformed, which ends in decode_*.
class Reader {
public:
    Reader(const msgpack::object& array, const char* what) : what_(what) {
        if (array.type != msgpack::type::ARRAY) fail("is not an array");
        items_ = array.via.array;
    }
    std::uint64_t number(std::uint64_t most) {
        const auto& item = next();
        if (item.type != msgpack::type::POSITIVE_INTEGER)
            fail("holds something else than a number");
        if (item.via.u64 > most) fail("holds a number out of range");
        return item.via.u64;
    }
    bool truth() {
        const auto& item = next();
        if (item.type != msgpack::type::BOOLEAN) fail("holds something else than a truth value");
        return item.via.boolean;
    }
    std::string text(std::size_t bytes_max) {
        const auto& item = next();
        if (item.type != msgpack::type::STR) fail("holds something else than a string");
        if (item.via.str.size > bytes_max) fail("holds a string that is too long");
        return {item.via.str.ptr, item.via.str.size};
    }
    Reader array(std::size_t size_max) {
        const auto& item = next();
        Reader inner(item, what_);
        if (inner.items_.size > size_max) fail("holds an array that is too long");
        return inner;
    }
    std::uint32_t left() const { return items_.size - at_; }

private:
    const msgpack::object& next() {
        if (at_ == items_.size) fail("is too short");
        return items_.ptr[at_++];
    }
    [[noreturn]] void fail(const char* why) const {
        throw Malformed{std::string(what_) + " " + why};
    }

    const char* what_;
    msgpack::object_array items_{};
    std::uint32_t at_ = 0;
};

msgpack::object_handle unpack(std::string_view bytes) {
    if (bytes.size() > limits::group_message_bytes_max) throw Malformed{"message is too big"};
    // Kinds and depths that this version does not use are let through here, so that a message of
    // another version is known for what it is; the Reader refuses them.
    constexpr std::size_t items_max = known_max * 20;
    const msgpack::unpack_limit limit(items_max, items_max, limits::group_message_bytes_max,
                                      limits::group_message_bytes_max, items_max, 16);
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

std::string encode_identity(const char* kind, const Identity& identity) {
    msgpack::sbuffer buffer;
    Packer packer(buffer);
    packer.pack_array(3).pack(std::string_view(kind)).pack(protocol_version);
    pack(packer, identity);
    return {buffer.data(), buffer.size()};
}

}  // namespace

std::string bucket_key(Bucket bucket) {
    std::string key(1, Broadcast::key_byte);
    append_big_endian(key, bucket);
    return key;
}

std::string key_of(const FenceId& fence) {
    std::string key(1, fence_key);
    append_big_endian(key, fence.asker);
    append_big_endian(key, fence.serial);
    return key;
}

std::optional<FenceId> fence_of(std::string_view key) {
    if (key.size() != fence_key_bytes || key[0] != fence_key) return std::nullopt;
    return FenceId{read_big_endian<std::uint64_t>(&key[1]),
                   read_big_endian<std::uint64_t>(&key[9])};
}

std::string encode(const Heartbeat& heartbeat) {
    msgpack::sbuffer buffer;
    buffer.write(&heartbeat_key, 1);
    Packer packer(buffer);
    packer.pack_array(3).pack(heartbeat.sender).pack(heartbeat.goodbye);
    packer.pack_array(static_cast<std::uint32_t>(heartbeat.moved.size()));
    for (const auto& mark : heartbeat.moved) {
        packer.pack_array(3).pack(mark.shard).pack(mark.bucket).pack(mark.number);
    }
    return {buffer.data(), buffer.size()};
}

std::string encode(const FenceAnswer& answer) {
    std::string bytes = key_of(answer.fence);
    append_big_endian(bytes, answer.sender);
    return bytes;
}

std::string encode(const Hello& hello) {
    return encode_identity("hello", hello.identity);
}
std::string encode(const Welcome& welcome) {
    return encode_identity("welcome", welcome.identity);
}

std::string encode(const Refusal& refusal) {
    msgpack::sbuffer buffer;
    Packer packer(buffer);
    packer.pack_array(3).pack(std::string_view("refusal")).pack(protocol_version);
    packer.pack(refusal.reason);
    return {buffer.data(), buffer.size()};
}

Result<Published, std::string> decode_published(std::string_view bytes) {
    if (bytes.empty()) return Unexpected{std::string("message is empty")};
    if (bytes[0] == Broadcast::key_byte) {
        auto broadcast = Broadcast::parse(bytes);
        if (!broadcast) return Unexpected{std::string("broadcast is malformed")};
        return Published{*broadcast};
    }
    if (bytes[0] == fence_key) {
        const auto fence = fence_of(bytes.substr(0, fence_key_bytes));
        if (!fence || bytes.size() != fence_key_bytes + 8) {
            return Unexpected{std::string("fence answer is malformed")};
        }
        return Published{
            FenceAnswer{*fence, read_big_endian<std::uint64_t>(&bytes[fence_key_bytes])}};
    }
    if (bytes[0] != heartbeat_key) return Unexpected{std::string("message has an unknown key")};
    return decoded<Published>([&]() -> Published {
        const auto handle = unpack(bytes.substr(1));
        Reader reader(handle.get(), "heartbeat");
        Heartbeat heartbeat;
        heartbeat.sender = reader.number(UINT64_MAX);
        heartbeat.goodbye = reader.truth();
        Reader moved = reader.array(known_max * 16);
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

Result<Directed, std::string> decode_directed(std::string_view bytes) {
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
        throw Malformed{"message is of an unknown kind"};
    });
}

}  // namespace roost::group
