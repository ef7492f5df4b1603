#include "proto/broadcast.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "proto/bucket.hpp"
#include "proto/ws_frame.hpp"

using namespace roost;
using namespace std::string_literals;

namespace {

const Origin origin{0x1122334455667788, 3};
const std::string frame = "\x81\x2C"s + R"([null,null,"room:a","new_msg",{"body":"hi"}])";
const std::string wire =
    "\x01"s                              // key
    "\x3F\x79"                           // bucket of room:a
    "\x11\x22\x33\x44\x55\x66\x77\x88"s  // incarnation
    "\x03"s                              // shard
    "\x00\x00\x00\x00\x00\x00\x01\x02"s  // number
    "\x01"s                              // format
    "\x04"s                              // length of the id
    "\x00\x06\x00\x07\x00\x00\x00\x0D"s  // lengths of topic, event, payload
    "id-1"
    "room:a"s +
    "new_msg" + frame;

BroadcastError error_of(std::string_view bytes) {
    const auto broadcast = Broadcast::parse(bytes);
    REQUIRE_FALSE(broadcast);
    return broadcast.error();
}

}  // namespace

TEST_CASE("the bucket of a topic is FNV-1a folded to 16 bits") {
    CHECK(bucket_of("") == 0xF011);
    CHECK(bucket_of("a") == 0x19A2);
    CHECK(bucket_of("foobar") == 0x5434);
    CHECK(bucket_of("room:a") == 0x3F79);
    CHECK(bucket_of("room:b") == 0x3C2C);
}

TEST_CASE("a broadcast has the bytes that its header draws") {
    const auto made =
        Broadcast::encode(origin, 258, {"room:a", "new_msg", R"({"body":"hi"})", "id-1"});
    CHECK(made->wire() == wire);
    CHECK(made->frame() == frame);
}

TEST_CASE("a broadcast is read as it was written") {
    const auto read = Broadcast::parse(wire);
    REQUIRE(read);
    const Broadcast& broadcast = **read;
    CHECK(broadcast.origin() == origin);
    CHECK(broadcast.number() == 258);
    CHECK(broadcast.bucket() == 0x3F79);
    CHECK(broadcast.id() == "id-1");
    CHECK(broadcast.topic() == "room:a");
    CHECK(broadcast.event() == "new_msg");
    CHECK(broadcast.payload() == R"({"body":"hi"})");
    CHECK(broadcast.frame() == frame);
    CHECK(broadcast.wire() == wire);
}

TEST_CASE("a broadcast keeps its own copy of the bytes") {
    std::string bytes = wire;
    const auto read = Broadcast::parse(bytes);
    REQUIRE(read);
    bytes.assign(bytes.size(), 'x');
    CHECK((*read)->topic() == "room:a");
}

TEST_CASE("topics and events that are quoted, empty or long survive the way") {
    const std::string long_text(1024, '"');
    for (const auto& text : {""s, "a\"\\\n"s, "h\xc3\xa9"s, "\0"s, long_text}) {
        const auto made = Broadcast::encode(origin, UINT64_MAX, {text, text, "{}", {}});
        const auto read = Broadcast::parse(made->wire());
        REQUIRE(read);
        CHECK((*read)->topic() == text);
        CHECK((*read)->event() == text);
        CHECK((*read)->payload() == "{}");
        CHECK((*read)->number() == UINT64_MAX);
        CHECK(ws::content_of((*read)->frame(), ws::Opcode::text));
    }
}

TEST_CASE("payloads of each size of frame head survive the way") {
    for (const std::size_t size : {2U, 90U, 120U, 126U, 200U, 65400U, 65536U, 1000000U}) {
        CAPTURE(size);
        const std::string payload = "{" + std::string(size - 2, ' ') + "}";
        const auto made = Broadcast::encode(origin, 1, {"room:a", "e", payload, {}});
        const auto read = Broadcast::parse(made->wire());
        REQUIRE(read);
        CHECK((*read)->payload() == payload);
    }
}

TEST_CASE("a broadcast cut at any length is refused, and so is one with bytes behind it") {
    for (std::size_t size = 0; size < wire.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(Broadcast::parse(wire.substr(0, size)));
    }
    CHECK(error_of(wire.substr(0, Broadcast::head_bytes - 1)) == BroadcastError::truncated);
    CHECK(error_of(wire.substr(0, 40)) == BroadcastError::truncated);
    CHECK_FALSE(Broadcast::parse(wire + "x"));
}

TEST_CASE("a broadcast in the wrong bucket is refused") {
    auto bytes = wire;
    bytes[2] = '\x7A';
    CHECK(error_of(bytes) == BroadcastError::wrong_bucket);
    bytes = wire;
    bytes[Broadcast::head_bytes + 4] = 'R';
    CHECK(error_of(bytes) == BroadcastError::wrong_bucket);
}

// Streams are numbered from 1: a 0 would be taken for a message before the first one.
TEST_CASE("a broadcast with the number 0 is refused") {
    auto bytes = wire;
    bytes[18] = bytes[19] = 0;
    CHECK_FALSE(Broadcast::parse(bytes));
    bytes[19] = 1;
    CHECK(Broadcast::parse(bytes));
}

TEST_CASE("a broadcast of an unknown format is refused by that name") {
    auto bytes = wire;
    bytes[20] = 3;
    CHECK(error_of(bytes) == BroadcastError::unknown_format);
}

TEST_CASE("a broadcast whose frame has another head than ours is refused") {
    const std::size_t head = wire.size() - frame.size();
    for (const char first : {'\x82', '\x01', '\xC1', '\x88', '\x80'}) {
        auto bytes = wire;
        bytes[head] = first;
        CHECK(error_of(bytes) == BroadcastError::bad_frame);
    }
    for (const char second : {'\x2B', '\x2D', '\xAC', '\x7E', '\x7F', '\xFF', '\x00'}) {
        auto bytes = wire;
        bytes[head + 1] = second;
        CHECK(error_of(bytes) == BroadcastError::bad_frame);
    }
}

TEST_CASE("a broadcast whose lengths do not fit its bytes is refused") {
    for (const std::size_t at : {21U, 22U, 23U, 24U, 25U, 26U, 27U, 28U}) {
        CAPTURE(at);
        auto bytes = wire;
        bytes[at] = '\xFF';
        CHECK_FALSE(Broadcast::parse(bytes));
    }
    auto bytes = wire;
    bytes[29] = '\x2C';  // one more than the frame can hold beside its closing bracket
    CHECK(error_of(bytes) == BroadcastError::bad_frame);
}

TEST_CASE("a broadcast with any byte changed is refused or stays within its bytes") {
    std::mt19937 random(11);
    for (int i = 0; i < 50'000; ++i) {
        auto bytes = wire;
        bytes[random() % bytes.size()] = static_cast<char>(random());
        bytes[random() % Broadcast::head_bytes] = static_cast<char>(random());
        const auto read = Broadcast::parse(bytes);
        if (!read) continue;
        CHECK((*read)->id().size() + (*read)->topic().size() + (*read)->event().size() +
                  Broadcast::head_bytes + (*read)->frame().size() ==
              bytes.size());
        CHECK((*read)->payload().size() < (*read)->frame().size());
    }
}

TEST_CASE("with its position a broadcast's frame has it in the place of the ref") {
    const auto read = Broadcast::parse(wire);
    REQUIRE(read);
    CHECK((*read)->position() == "1122334455667788.3/258");
    const auto positioned = (*read)->frame_for(Wire::v2, true);
    CHECK(ws::content_of(positioned, ws::Opcode::text) ==
          R"([null,"1122334455667788.3/258","room:a","new_msg",{"body":"hi"}])");
}

TEST_CASE("a broadcast of bytes has a binary frame, and is read as it was written") {
    const auto made = Broadcast::encode(origin, 258, {"room:a", "img", "\x00\xff"s, "id-1", true});
    const std::string binary = "\x82\x0E"s + "\x02\x06\x03room:aimg" + "\x00\xff"s;
    CHECK(made->wire() == "\x01\x3F\x79\x11\x22\x33\x44\x55\x66\x77\x88\x03"s +
                              "\x00\x00\x00\x00\x00\x00\x01\x02"s + "\x02\x04"s +
                              "\x00\x06\x00\x03\x00\x00\x00\x02"s + "id-1room:aimg" + binary);
    const auto read = Broadcast::parse(made->wire());
    REQUIRE(read);
    CHECK((*read)->is_binary());
    CHECK((*read)->payload() == "\x00\xff"s);
    CHECK((*read)->frame() == binary);
    CHECK((*read)->frame_for(Wire::v2, false) == binary);
    CHECK((*read)->frame_for(Wire::v1, true).substr(2) ==
          R"({"event":"img","payload":{"base64":"AP8="},"ref":"1122334455667788.3/258",)"
          R"("topic":"room:a"})");
}

TEST_CASE("a binary frame that says another topic, event or length than its head is refused") {
    const auto made = Broadcast::encode(origin, 1, {"room:a", "img", "data", {}, true});
    const std::size_t content = made->wire().size() - (3 + 9 + 4);
    for (std::size_t at = content; at < content + 3 + 9; ++at) {
        std::string bytes(made->wire());
        ++bytes[at];
        CAPTURE(at);
        CHECK(error_of(bytes) == BroadcastError::bad_frame);
    }
    std::string shorter(made->wire());
    --shorter[29];
    CHECK(error_of(shorter) == BroadcastError::bad_frame);
    std::string text(made->wire());
    text[20] = 1;
    CHECK(error_of(text) == BroadcastError::bad_frame);
}

TEST_CASE("ids of every length that is allowed survive the way") {
    for (const std::size_t size : {0U, 1U, 128U, 255U}) {
        const std::string id(size, '\xff');
        const auto made = Broadcast::encode(origin, 1, {"room:a", "e", "{}", id});
        const auto read = Broadcast::parse(made->wire());
        REQUIRE(read);
        CHECK((*read)->id() == id);
        CHECK((*read)->topic() == "room:a");
        CHECK((*read)->frame() == made->frame());
    }
}

TEST_CASE("with fewer bits the bucket is the lower part of the hash, and the same on all nodes") {
    for (unsigned bits = bucket_bits_min; bits <= bucket_bits_max; ++bits) {
        CHECK(bucket_of("room:a", bits) == (0x3F79 & ((1U << bits) - 1)));
        const auto made = Broadcast::encode(origin, 1, {"room:a", "e", "{}", {}}, bits);
        CHECK(made->bucket() == bucket_of("room:a", bits));
        CHECK(Broadcast::parse(made->wire(), bits));
    }
    CHECK_FALSE(Broadcast::parse(wire, 13));
}

TEST_CASE("a position names the origin and the number") {
    CHECK(incarnation_text(0x1f) == "000000000000001f");
    CHECK(position_text(origin, 258) == "1122334455667788.3/258");
}
