#include "proto/group_wire.hpp"

#include <catch2/catch.hpp>
#include <msgpack.hpp>
#include <random>
#include <string>
#include <vector>

#include "proto/limits.hpp"

using namespace roost;
using namespace roost::group;
using namespace std::string_literals;

namespace {

Identity identity() {
    return {"roost", "web-1", 0x1122334455667788, "10.0.0.1",
            7370,    7371,    bucket_bits_max,    {{"10.0.0.2", 7370}, {"::1", 7372}}};
}

// With the ends of every range.
Identity greatest() {
    Identity identity{std::string(64, 'g'),
                      std::string(64, 'n'),
                      UINT64_MAX,
                      std::string(253, 'h'),
                      65535,
                      65535,
                      32,
                      {}};
    for (std::uint16_t i = 1; i <= 1000; ++i) identity.known.push_back({"10.0.0.1", i});
    return identity;
}

const std::vector<Heartbeat> heartbeats = {
    {1, false, 1, {}},
    {UINT64_MAX, true, UINT64_MAX, {}},
    {7, false, 300, {{0, 0, 1}, {63, 65535, UINT64_MAX}, {255, 0x3F79, 300}}},
};

std::vector<std::string> published_messages() {
    std::vector<std::string> messages;
    for (const auto& heartbeat : heartbeats) messages.push_back(encode(heartbeat));
    messages.push_back(encode(FenceAnswer{{{1, 2}, {}}, 3, {}}));
    messages.emplace_back(Broadcast::encode({1, 0}, 1, {"room:a", "e", "{}", {}})->wire());
    return messages;
}

std::vector<std::string> directed_messages() {
    return {encode(Hello{identity()}), encode(Welcome{identity()}), encode(Hello{Identity{}}),
            encode(Refusal{"another group"})};
}

template <class F>
std::string packed(F fill) {
    msgpack::sbuffer buffer;
    msgpack::packer<msgpack::sbuffer> packer(buffer);
    fill(packer);
    return {buffer.data(), buffer.size()};
}

template <class T>
T directed(std::string_view bytes) {
    const auto message = decode_directed(bytes);
    REQUIRE(message);
    REQUIRE(std::holds_alternative<T>(*message));
    return std::get<T>(*message);
}

template <class T>
T published(std::string_view bytes) {
    const auto message = decode_published(bytes);
    REQUIRE(message);
    REQUIRE(std::holds_alternative<T>(*message));
    return std::get<T>(*message);
}

}  // namespace

TEST_CASE("keys are what they are subscribed by, and none is a prefix of another") {
    CHECK(bucket_key(0x3F79) == "\x01\x3F\x79"s);
    const FenceKey link{{0x1122334455667788, 2}, {}};
    const auto head = "\xFF\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00\x00\x00\x00\x00\x00\x02"s;
    CHECK(key_of(link) == head + "\x00"s);
    CHECK(fence_of(key_of(link)) == link);
    const FenceKey fence{link.id, {0x3F79, 0, 0xFFFF}};
    CHECK(key_of(fence) == head + "\x03\x3F\x79\x00\x00\xFF\xFF"s);
    CHECK(fence_of(key_of(fence)) == fence);
    CHECK(bucket_key(0xFFFF) < key_of(fence));
    CHECK(encode(heartbeats[0])[0] == heartbeat_key);
}

TEST_CASE("only a fence's key of exact length names a fence") {
    for (const std::size_t buckets : {std::size_t{0}, std::size_t{3}, fence_buckets_max}) {
        const auto key = key_of(FenceKey{{1, 2}, std::vector<Bucket>(buckets, 7)});
        REQUIRE(fence_of(key));
        CHECK(fence_of(key)->buckets.size() == buckets);
        for (std::size_t size = 0; size < key.size(); ++size) {
            CHECK_FALSE(fence_of(key.substr(0, size)));
        }
        CHECK_FALSE(fence_of(key + "x"));
        CHECK_FALSE(fence_of(key + "xx"));
    }
    CHECK_FALSE(fence_of(std::string(18, '\x01')));
}

TEST_CASE("a fence's answer is its key, the sender, and where its streams stand") {
    FenceAnswer answer{{{0x1122334455667788, 2}, {0x3F79, 8}}, 0x0A0B, {}};
    CHECK(encode(answer) == key_of(answer.fence) + "\x00\x00\x00\x00\x00\x00\x0A\x0B"s);
    CHECK(published<FenceAnswer>(encode(answer)) == answer);
    answer.marks = {{3, 0x3F79, 258}, {255, 8, UINT64_MAX}};
    CHECK(encode(answer) == key_of(answer.fence) + "\x00\x00\x00\x00\x00\x00\x0A\x0B"s +
                                "\x03\x3F\x79\x00\x00\x00\x00\x00\x00\x01\x02"s +
                                "\xFF\x00\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s);
    CHECK(published<FenceAnswer>(encode(answer)) == answer);
}

TEST_CASE("heartbeats are read as they were written") {
    for (const auto& heartbeat : heartbeats) {
        CHECK(published<Heartbeat>(encode(heartbeat)) == heartbeat);
    }
    Heartbeat full{1, false, 1, {}};
    for (unsigned i = 0; i < 4096; ++i) {
        full.moved.push_back({1, static_cast<Bucket>(i), UINT64_MAX});
    }
    CHECK(published<Heartbeat>(encode(full)) == full);
}

TEST_CASE("a heartbeat has these bytes") {
    CHECK(encode(Heartbeat{5, true, 7, {{1, 2, 3}}}) ==
          "\x00\x94\x05\xC3\x07\x91\x93\x01\x02\x03"s);
}

TEST_CASE("a broadcast is read among the published messages") {
    const auto made = Broadcast::encode({1, 2}, 3, {"room:a", "e", "{}", {}});
    CHECK(published<BroadcastRef>(made->wire())->wire() == made->wire());
}

TEST_CASE("hello, welcome and refusal are read as they were written") {
    for (const auto& who : {identity(), greatest()}) {
        CHECK(directed<Hello>(encode(Hello{who})).identity == who);
        CHECK(directed<Welcome>(encode(Welcome{who})).identity == who);
    }
    CHECK(directed<Refusal>(encode(Refusal{"another group"})).reason == "another group");
}

TEST_CASE("every message cut at any length is refused, and so is one with bytes behind it") {
    for (const auto& bytes : published_messages()) {
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CHECK_FALSE(decode_published(bytes.substr(0, size)));
        }
        CHECK_FALSE(decode_published(bytes + "\x00"s));
    }
    for (const auto& bytes : directed_messages()) {
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CHECK_FALSE(decode_directed(bytes.substr(0, size)));
        }
        CHECK_FALSE(decode_directed(bytes + "\x00"s));
    }
}

TEST_CASE("a published message with an unknown key is refused in a sentence") {
    for (int key = 2; key < 255; ++key) {
        const auto message = decode_published(std::string(1, static_cast<char>(key)) + "x");
        REQUIRE_FALSE(message);
        CHECK_FALSE(message.error().empty());
    }
}

TEST_CASE("a message of another version is told as such") {
    const auto hello = packed([](auto& packer) {
        packer.pack_array(3).pack("hello"s).pack(2).pack_array(1).pack("new"s);
    });
    CHECK(directed<OtherVersion>(hello).version == 2);
    const auto longer = packed([](auto& packer) {
        packer.pack_array(5).pack("greeting"s).pack(UINT32_MAX).pack(1).pack(true).pack("x"s);
    });
    CHECK(directed<OtherVersion>(longer).version == UINT32_MAX);
    const auto shorter = packed([](auto& packer) { packer.pack_array(2).pack("hello"s).pack(0); });
    CHECK(directed<OtherVersion>(shorter).version == 0);
}

// Only the first two elements are promised to stay: the rest may be of any kind.
TEST_CASE("a message of another version is told as such whatever its other elements are") {
    const auto with = [](auto fill) {
        return packed([&](auto& packer) {
            packer.pack_array(3).pack("hello"s).pack(2);
            fill(packer);
        });
    };
    const std::vector<std::string> messages = {
        with([](auto& packer) { packer.pack_map(1).pack("a"s).pack(1); }),
        with([](auto& packer) { packer.pack_bin(1).pack_bin_body("x", 1); }),
        with([](auto& packer) {
            for (int depth = 0; depth < 6; ++depth) packer.pack_array(1);
            packer.pack_nil();
        }),
    };
    for (std::size_t i = 0; i < messages.size(); ++i) {
        CAPTURE(i);
        const auto message = decode_directed(messages[i]);
        CHECK(message.has_value());
        if (message) CHECK(std::get<OtherVersion>(*message).version == 2);
    }
}

TEST_CASE("a refusal is read in any version") {
    const auto refusal = packed(
        [](auto& packer) { packer.pack_array(3).pack("refusal"s).pack(9).pack("too old"s); });
    CHECK(directed<Refusal>(refusal).reason == "too old");
}

TEST_CASE("values of the wrong kind or out of range are refused in a sentence") {
    const auto refused = [](const std::string& bytes) {
        const auto message = decode_directed(bytes);
        REQUIRE_FALSE(message);
        CHECK_FALSE(message.error().empty());
    };
    refused(packed([](auto& packer) { packer.pack("hello"s); }));
    refused(packed([](auto& packer) { packer.pack_array(0); }));
    refused(packed([](auto& packer) { packer.pack_array(2).pack(1).pack(1); }));
    refused(packed([](auto& packer) { packer.pack_array(2).pack("hello"s).pack("1"s); }));
    refused(packed([](auto& packer) { packer.pack_array(3).pack("what"s).pack(1).pack(1); }));
    refused(packed([](auto& packer) { packer.pack_array(3).pack("hello"s).pack(1).pack("x"s); }));
    auto who = identity();
    who.bits = 33;
    refused(encode(Hello{who}));
    who = identity();
    who.name.assign(limits::name_bytes_max + 1, 'n');
    refused(encode(Hello{who}));
    who = identity();
    who.group.assign(limits::name_bytes_max + 1, 'g');
    refused(encode(Welcome{who}));
    refused(encode(Refusal{std::string(2000, 'r')}));
}

TEST_CASE("a mark out of range is refused") {
    CHECK(decode_published("\x00\x94\x05\xC3\x07\x91\x93\x01\x02\x03"s));
    CHECK_FALSE(
        decode_published("\x00\x94\x05\xC3\x07\x91\x93\xCD\x01\x00\x02\x03"s));  // shard 256
    CHECK_FALSE(decode_published("\x00\x94\x05\xC3\x07\x91\x93\x01\xCE\x00\x01\x00\x00\x03"s));
    CHECK_FALSE(decode_published("\x00\x94\x05\xC3\x07\x91\x93\x01\x02\xFF"s));  // number -1
    CHECK_FALSE(decode_published("\x00\x94\x05\x01\x07\x91\x93\x01\x02\x03"s));  // goodbye 1
    CHECK_FALSE(decode_published("\x00\x94\x05\xC3\x07\x91\x92\x01\x02"s));
}

TEST_CASE("a head that announces more than there is costs nothing") {
    CHECK_FALSE(decode_published("\x00\xDD\xFF\xFF\xFF\xFF"s));
    CHECK_FALSE(decode_directed("\xDD\xFF\xFF\xFF\xFF"s));
    CHECK_FALSE(decode_directed("\xDB\xFF\xFF\xFF\xFF"s));
    CHECK_FALSE(decode_directed("\xDF\xFF\xFF\xFF\xFF"s));
    CHECK_FALSE(decode_directed(std::string(100'000, '\x91')));
}

TEST_CASE("random bytes and random changes do no harm") {
    std::mt19937 random(23);
    auto seeds = published_messages();
    for (const auto& message : directed_messages()) seeds.push_back(message);
    for (int i = 0; i < 30'000; ++i) {
        std::string noise;
        for (auto size = random() % 40; size > 0; --size) {
            noise.push_back(static_cast<char>(random()));
        }
        (void)decode_published(noise);
        (void)decode_published(heartbeat_key + noise);
        (void)decode_directed(noise);
        auto changed = seeds[random() % seeds.size()];
        changed[random() % changed.size()] = static_cast<char>(random());
        changed[random() % changed.size()] = static_cast<char>(random());
        (void)decode_directed(changed);
        const auto message = decode_published(changed);
        if (!message || !std::holds_alternative<Heartbeat>(*message)) continue;
        const auto& heartbeat = std::get<Heartbeat>(*message);
        CHECK(published<Heartbeat>(encode(heartbeat)) == heartbeat);
    }
}

TEST_CASE("an identity without a port, or with a host that is none, is refused") {
    for (const std::string host : {"a b", "tcp://a", "a;b", "a/b", "a\nb"}) {
        auto who = identity();
        who.host = host;
        CHECK_FALSE(decode_directed(encode(Hello{who})));
    }
    auto who = identity();
    who.pub_port = 0;
    CHECK_FALSE(decode_directed(encode(Hello{who})));
}
