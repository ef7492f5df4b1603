#include "proto/ws_frame.hpp"

#include "proto/big_endian.hpp"

namespace roost::ws {

void append_head(std::string& out, Opcode opcode, std::size_t size) {
    out.push_back(static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
    if (size < 126) {
        out.push_back(static_cast<char>(size));
    } else if (size <= 0xFFFF) {
        out.push_back(126);
        append_big_endian<std::uint16_t>(out, static_cast<std::uint16_t>(size));
    } else {
        out.push_back(127);
        append_big_endian<std::uint64_t>(out, size);
    }
}

std::string close_frame(std::uint16_t code) {
    std::string frame;
    append_head(frame, Opcode::close, 2);
    append_big_endian(frame, code);
    return frame;
}

std::string ping_frame() {
    std::string frame;
    append_head(frame, Opcode::ping, 1);
    frame.push_back('r');  // libwebsockets does not report a pong without content
    return frame;
}

std::optional<Frame> take_frame(std::string_view& bytes) {
    constexpr std::uint8_t is_final = 0x80;
    if (bytes.size() < 2) return std::nullopt;
    const auto first = static_cast<std::uint8_t>(bytes[0]);
    const auto length = static_cast<std::uint8_t>(bytes[1]);
    std::size_t head = 2;
    std::uint64_t size = length;
    if (length == 126) {
        if (bytes.size() < 4) return std::nullopt;
        size = read_big_endian<std::uint16_t>(bytes.data() + 2), head = 4;
    } else if (length == 127) {
        if (bytes.size() < 10) return std::nullopt;
        size = read_big_endian<std::uint64_t>(bytes.data() + 2), head = 10;
    } else if (length > 127) {
        return std::nullopt;
    }
    // The shortest head that can say it is the only one (RFC 6455, section 5.2).
    const bool is_shortest = head == 2 || (head == 4 ? size >= 126 : size > 0xFFFF);
    const std::uint8_t opcode = first & 0x0F;
    if (first != (is_final | opcode) || !is_shortest || bytes.size() - head < size) {
        return std::nullopt;
    }
    const Frame frame{static_cast<Opcode>(opcode), bytes.substr(head, size)};
    bytes.remove_prefix(head + size);
    return frame;
}

std::optional<std::string_view> content_of(std::string_view frame, Opcode opcode) {
    const auto taken = take_frame(frame);
    if (!taken || taken->opcode != opcode || !frame.empty()) return std::nullopt;
    return taken->content;
}

}  // namespace roost::ws
