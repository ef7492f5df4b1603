#include "proto/ws_frame.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace roost;
using namespace std::string_literals;

namespace {

std::string head(ws::Opcode opcode, std::size_t size) {
    std::string out;
    ws::append_head(out, opcode, size);
    return out;
}

}  // namespace

TEST_CASE("a frame's head is the one of RFC 6455, 5.7") {
    CHECK(head(ws::Opcode::text, 5) + "Hello" == "\x81\x05\x48\x65\x6c\x6c\x6f"s);
    CHECK(head(ws::Opcode::binary, 256) == "\x82\x7E\x01\x00"s);
    CHECK(head(ws::Opcode::binary, 65536) == "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST_CASE("a length takes no more bytes than it needs") {
    CHECK(head(ws::Opcode::text, 0) == "\x81\x00"s);
    CHECK(head(ws::Opcode::text, 125) == "\x81\x7D"s);
    CHECK(head(ws::Opcode::text, 126) == "\x81\x7E\x00\x7E"s);
    CHECK(head(ws::Opcode::text, 65535) == "\x81\x7E\xFF\xFF"s);
    CHECK(head(ws::Opcode::text, 65536).size() == ws::head_bytes_max);
}

TEST_CASE("a head is appended to what is there") {
    std::string out = "x";
    ws::append_head(out, ws::Opcode::text, 1);
    CHECK(out == "x\x81\x01"s);
}

TEST_CASE("a close frame carries its code and no reason") {
    CHECK(ws::close_frame(1012) == "\x88\x02\x03\xF4"s);
    CHECK(ws::close_frame(1001) == "\x88\x02\x03\xE9"s);
}

TEST_CASE("a ping is one unmasked frame of opcode 9") {
    CHECK(ws::content_of(ws::ping_frame(), ws::Opcode::ping).has_value());
}

TEST_CASE("the content of a frame of any length is found again") {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 100000U}) {
        CAPTURE(size);
        const std::string content(size, 'x');
        const std::string frame = head(ws::Opcode::text, size) + content;
        const auto found = ws::content_of(frame, ws::Opcode::text);
        REQUIRE(found);
        CHECK(*found == content);
        CHECK_FALSE(ws::content_of(frame, ws::Opcode::binary));
        CHECK_FALSE(ws::content_of(frame + "x", ws::Opcode::text));
        CHECK_FALSE(ws::content_of(frame.substr(0, frame.size() - 1), ws::Opcode::text));
        for (std::size_t cut = 0; cut < ws::head_bytes_max && cut < frame.size(); ++cut) {
            CHECK_FALSE(ws::content_of(frame.substr(0, cut), ws::Opcode::text));
        }
    }
}

TEST_CASE("a masked, fragmented or reserved frame has no content") {
    CHECK_FALSE(ws::content_of("\x81\x81x"s, ws::Opcode::text));
    CHECK_FALSE(ws::content_of("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s, ws::Opcode::text));
    CHECK_FALSE(ws::content_of("\x01\x01x"s, ws::Opcode::text));
    CHECK_FALSE(ws::content_of("\xC1\x01x"s, ws::Opcode::text));
    CHECK_FALSE(ws::content_of("\x80\x01x"s, ws::Opcode::text));
}

TEST_CASE("a head whose length says more than there can be has no content") {
    CHECK_FALSE(ws::content_of("\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFx"s, ws::Opcode::text));
    CHECK_FALSE(ws::content_of("\x81\x7F\x80\x00\x00\x00\x00\x00\x00\x01x"s, ws::Opcode::text));
}

// RFC 6455, 5.2: "the minimal number of bytes MUST be used to encode the length".
TEST_CASE("a head with a longer length than it needs is none of ours") {
    CHECK_FALSE(ws::content_of("\x81\x7E\x00\x01x"s, ws::Opcode::text));
    CHECK_FALSE(ws::content_of("\x81\x7F\x00\x00\x00\x00\x00\x00\x00\x01x"s, ws::Opcode::text));
}

TEST_CASE("frames are taken off one after the other, as long as they are whole") {
    std::string bytes = ws::ping_frame();
    ws::append_head(bytes, ws::Opcode::text, 300);
    bytes.append(300, 'x');
    ws::append_head(bytes, ws::Opcode::binary, 1);
    bytes.append("y");
    std::string_view rest = bytes;
    CHECK(ws::take_frame(rest)->opcode == ws::Opcode::ping);
    const auto text = ws::take_frame(rest);
    REQUIRE(text);
    CHECK(text->content == std::string(300, 'x'));
    std::string_view cut = rest.substr(0, rest.size() - 1);
    CHECK_FALSE(ws::take_frame(cut));
    CHECK(cut.size() == rest.size() - 1);
    CHECK(ws::take_frame(rest)->content == "y");
    CHECK(rest.empty());
    CHECK_FALSE(ws::take_frame(rest));
}
