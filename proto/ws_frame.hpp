// ws_frame: heads of the WebSocket frames that a server sends. RFC 6455, section 5.2.
//
// A server does not mask, so a head depends only on the kind and the length, and a frame can be
// built once and shared by every connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost::ws {

enum class Opcode : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9 };

inline constexpr std::size_t head_bytes_max = 10;

// Appends the head of one unfragmented frame whose content has `size` bytes.
void append_head(std::string& out, Opcode opcode, std::size_t size);

std::string close_frame(std::uint16_t code);
std::string ping_frame();

struct Frame {
    Opcode opcode{};
    std::string_view content;
};
// Takes the first frame off the bytes, which has to be unmasked and unfragmented; nothing, and
// nothing is taken, if they do not begin with a whole one.
std::optional<Frame> take_frame(std::string_view& bytes);

// The content of bytes that are exactly one such frame of the kind.
std::optional<std::string_view> content_of(std::string_view frame, Opcode opcode);

}  // namespace roost::ws
