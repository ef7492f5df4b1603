// client_frame: WebSocket frames as a client writes them, and the heads of those that it reads.
// RFC 6455, section 5.2. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace roost::bench {

namespace opcode {
constexpr unsigned continuation = 0;
constexpr unsigned text = 1;
constexpr unsigned binary = 2;
constexpr unsigned close = 8;
constexpr unsigned ping = 9;
constexpr unsigned pong = 10;
}  // namespace opcode

// Whole and masked. The mask is always the same: it hides nothing here, and costs no randomness.
std::string client_frame(unsigned opcode, std::string_view content);

struct FrameHead {
    unsigned opcode;
    std::size_t head_bytes;
    std::size_t content_bytes;
};

// Nothing if the head is not whole. A server's frames are not masked.
std::optional<FrameHead> read_head(std::string_view bytes);

}  // namespace roost::bench
