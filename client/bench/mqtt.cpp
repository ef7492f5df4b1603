#include <optional>

#include "client/bench/client_frame.hpp"
#include "client/bench/dialect.hpp"

namespace roost::bench {

namespace {

// MQTT 3.1.1, section 2.2: the first byte of a packet.
constexpr unsigned char connect = 0x10, connack = 0x20, publish_0 = 0x30, subscribe = 0x82,
                        suback = 0x90;

std::string text_of(std::string_view text) {
    std::string made{static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xff)};
    return made.append(text);
}

std::string packet(unsigned char first, std::string_view content) {
    std::string made(1, static_cast<char>(first));
    for (std::size_t left = content.size();;) {
        const std::size_t digit = left % 128;
        left /= 128;
        made.push_back(static_cast<char>(left > 0 ? digit | 128U : digit));
        if (left == 0) break;
    }
    return made.append(content);
}

struct Packet {
    unsigned char kind;
    std::string_view content;
    std::size_t size;
};

// Nothing if it is not whole.
std::optional<Packet> first_packet(std::string_view bytes) {
    std::size_t length = 0;
    for (std::size_t i = 1; i < bytes.size() && i <= 4; ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        length |= (byte & std::size_t{127}) << (7 * (i - 1));
        if ((byte & 128U) != 0) continue;
        if (bytes.size() < i + 1 + length) return std::nullopt;
        return Packet{static_cast<unsigned char>(bytes[0] & 0xf0), bytes.substr(i + 1, length),
                      i + 1 + length};
    }
    return std::nullopt;
}

class Mqtt final : public Dialect {
public:
    std::string path(const Target&) const override { return "/mqtt"; }
    std::string_view head_lines() const override { return "Sec-WebSocket-Protocol: mqtt\r\n"; }
    std::string greeting(const std::vector<std::string>& topics) const override {
        // Protocol and level, a clean session, no keep-alive, an identifier from the server.
        const std::string head = text_of("MQTT") + std::string("\x04\x02\x00\x00", 4) + text_of("");
        std::string wanted("\x00\x01", 2);
        for (const auto& topic : topics) wanted += text_of(topic) + std::string(1, '\0');
        return client_frame(opcode::binary, packet(connect, head) + packet(subscribe, wanted));
    }
    std::size_t confirmations(std::size_t) const override { return 1; }
    std::string publish(std::string_view topic, std::string_view payload) const override {
        return client_frame(opcode::binary, packet(publish_0, text_of(topic).append(payload)));
    }
    bool is_stream() const override { return true; }

    std::size_t read(std::string_view bytes, Ear& ear) const override {
        std::size_t taken = 0;
        while (const auto found = first_packet(bytes.substr(taken))) {
            take(*found, ear);
            taken += found->size;
        }
        return taken;
    }

private:
    static void take(const Packet& found, Ear& ear) {
        const auto content = found.content;
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(content[i]); };
        if (found.kind == publish_0 && content.size() >= 2) {
            const std::size_t topic = std::size_t{byte(0)} << 8 | byte(1);
            if (content.size() >= 2 + topic) return ear.on_message(content.substr(2 + topic));
        }
        const bool is_ok = content.size() >= 2 && byte(content.size() - 1) == 0;
        if (found.kind == suback && is_ok) return ear.on_ok();
        if (found.kind == connack && is_ok) return;
        ear.on_refused("an MQTT packet of kind " + std::to_string(found.kind >> 4));
    }
};

}  // namespace

std::unique_ptr<Dialect> mqtt() {
    return std::make_unique<Mqtt>();
}

}  // namespace roost::bench
