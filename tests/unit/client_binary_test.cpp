// Binary frames of version 2.0. The bytes of phoenix.js 1.8 and Phoenix 1.8.
#include "proto/client_binary.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "proto/ws_frame.hpp"

using namespace roost;
using namespace std::string_literals;

namespace {

const std::string push =
    "\x00\x01\x01\x08\x07"s
    "12room:binnew_msg\x01\x02\x03"s;

FrameError error_of(std::string_view frame) {
    FrameScratch scratch;
    const auto message = decode_binary(frame, scratch);
    REQUIRE_FALSE(message);
    return message.error();
}

}  // namespace

TEST_CASE("a binary push of phoenix.js is read") {
    FrameScratch scratch;
    const auto message = decode_binary(push, scratch);
    REQUIRE(message);
    CHECK(message->join_ref == "\"1\"");
    CHECK(message->ref == "\"2\"");
    CHECK(message->raw_topic == "\"room:bin\"");
    CHECK(message->topic == "room:bin");
    CHECK(message->event == "new_msg");
    CHECK(message->payload == "\x01\x02\x03");
    CHECK(message->is_binary);
    CHECK(message->is_topic_a_string);
}

TEST_CASE("an empty field is an empty string, a payload may be empty") {
    FrameScratch scratch;
    const auto message = decode_binary("\0\0\0\0\0"s, scratch);
    REQUIRE(message);
    CHECK(message->join_ref == "\"\"");
    CHECK(message->raw_topic == "\"\"");
    CHECK(message->event.empty());
    CHECK(message->payload.empty());
}

TEST_CASE("a field with quotes is a JSON string when it is echoed") {
    FrameScratch scratch;
    const auto message = decode_binary("\x00\x01\x02\x03\x01"s + "\"a\\t\"qe", scratch);
    REQUIRE(message);
    CHECK(message->join_ref == R"("\"")");
    CHECK(message->ref == R"("a\\")");
    CHECK(message->raw_topic == R"("t\"q")");
}

TEST_CASE("whatever is no whole push is refused") {
    CHECK(error_of("") == FrameError::bad_binary);
    for (std::size_t size = 0; size < push.size() - 3; ++size) {
        CHECK(error_of(push.substr(0, size)) == FrameError::bad_binary);
    }
    for (const char kind : {'\1', '\2', '\3', '\7', '\xff'}) {
        std::string other = push;
        other[0] = kind;
        CHECK(error_of(other) == FrameError::bad_binary);
    }
    CHECK(error_of("\x00\xff\xff\xff\xff"s) == FrameError::bad_binary);
    CHECK(error_of("\x00\x01\x01\x02\x01"s + "12\xc3\x28" + "e") == FrameError::bad_binary);
    // A character over the border of two fields.
    CHECK(error_of("\x00\x01\x02\x03\x01"s + "11\xce" + "\x94:1" + "e") == FrameError::bad_binary);
}

TEST_CASE("no bytes make the reader read beyond them") {
    std::mt19937 random(5);
    FrameScratch scratch;
    for (int i = 0; i < 20000; ++i) {
        std::string bytes(random() % 40, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random() % 8 == 0 ? random() : random() % 9);
        }
        if (!bytes.empty()) bytes[0] = 0;
        const auto message = decode_binary(bytes, scratch);
        if (!message) continue;
        CHECK(5 + message->topic.size() + message->event.size() + message->payload.size() <=
              bytes.size());
    }
}

TEST_CASE("a binary broadcast has the bytes of Phoenix") {
    std::string frame;
    append_binary_broadcast_frame(frame, "room:bin", "new_msg", "\x01\x02\x03");
    CHECK(frame == "\x82\x15"s + "\x02\x08\x07" + "room:bin" + "new_msg" + "\x01\x02\x03");
}

TEST_CASE("bytes are told as padded base64 where there are no bytes") {
    CHECK(json_of_bytes("") == R"({"base64":""})");
    CHECK(json_of_bytes("\x01\x02\x03") == R"({"base64":"AQID"})");
    CHECK(json_of_bytes("\xff\xfe") == R"({"base64":"//4="})");
}

// As Phoenix says them: phoenix-protocol, binary frames.
TEST_CASE("a reply and a push of bytes have the bytes of Phoenix") {
    CHECK(binary_reply_frame(R"("2")", R"("4")", R"("room:binjoin")", "ok", "\x01\x02\x03") ==
          "\x82\x18"s + "\x01\x01\x01\x0c\x02" + "2" + "4" + "room:binjoin" + "ok" +
              "\x01\x02\x03");
    CHECK(binary_push_frame(R"("1")", R"("room:bin")", "pushed", "\x09\x08") ==
          "\x82\x15"s + std::string("\0\x01\x08\x06", 4) + "1" + "room:bin" + "pushed" +
              "\x09\x08");
    // Refs are any JSON, and null none.
    CHECK(binary_reply_frame("null", "7", R"("a")", "ok", "") ==
          "\x82\x09"s + std::string("\x01\0\x01\x01\x02", 5) + "7" + "a" + "ok");
    const std::string longer = '"' + std::string(256, 'x') + '"';
    CHECK_FALSE(binary_reply_frame(longer, "7", R"("a")", "ok", ""));
    CHECK_FALSE(binary_push_frame("null", longer, "pushed", ""));
}
