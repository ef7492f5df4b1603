#include "client/bench/client_frame.hpp"

#include <array>
#include <cstdint>

namespace roost::bench {

namespace {

constexpr std::array<unsigned char, 4> mask{0x37, 0xfa, 0x21, 0x3d};

void append_big_endian(std::string& to, std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

}  // namespace

std::string client_frame(unsigned opcode, std::string_view content) {
    std::string frame(1, static_cast<char>(0x80U | opcode));
    if (content.size() < 126) {
        frame.push_back(static_cast<char>(0x80U | content.size()));
    } else if (content.size() < 65'536) {
        frame.push_back(static_cast<char>(0xfe));
        append_big_endian(frame, content.size(), 2);
    } else {
        frame.push_back(static_cast<char>(0xff));
        append_big_endian(frame, content.size(), 8);
    }
    for (const unsigned char byte : mask) frame.push_back(static_cast<char>(byte));
    for (std::size_t i = 0; i < content.size(); ++i) {
        frame.push_back(static_cast<char>(static_cast<unsigned char>(content[i]) ^ mask[i % 4]));
    }
    return frame;
}

std::optional<FrameHead> read_head(std::string_view bytes) {
    const auto byte = [&](std::size_t i) {
        return std::size_t{static_cast<unsigned char>(bytes[i])};
    };
    if (bytes.size() < 2) return std::nullopt;
    const auto opcode = static_cast<unsigned>(byte(0) & 15U);
    const std::size_t length = byte(1);
    if (length < 126) return FrameHead{opcode, 2, length};
    const std::size_t head_bytes = length == 126 ? 4 : 10;
    if (bytes.size() < head_bytes) return std::nullopt;
    std::size_t content_bytes = 0;
    for (std::size_t i = 2; i < head_bytes; ++i) content_bytes = content_bytes << 8 | byte(i);
    return FrameHead{opcode, head_bytes, content_bytes};
}

}  // namespace roost::bench
