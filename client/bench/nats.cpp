#include <charconv>

#include "client/bench/client_frame.hpp"
#include "client/bench/dialect.hpp"

namespace roost::bench {

namespace {

class Nats final : public Dialect {
public:
    std::string path(const Target&) const override { return "/"; }
    std::string greeting(const std::vector<std::string>& topics) const override {
        std::string text = "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":0}\r\n";
        for (std::size_t i = 0; i < topics.size(); ++i) {
            text += "SUB " + topics[i] + " " + std::to_string(i + 1) + "\r\n";
        }
        return client_frame(opcode::binary, text + "PING\r\n");
    }
    // The PONG says that all before it has been done.
    std::size_t confirmations(std::size_t) const override { return 1; }
    std::string publish(std::string_view topic, std::string_view payload) const override {
        std::string text = "PUB ";
        text.append(topic).append(" ").append(std::to_string(payload.size())).append("\r\n");
        return client_frame(opcode::binary, text.append(payload).append("\r\n"));
    }
    bool is_stream() const override { return true; }

    std::size_t read(std::string_view bytes, Ear& ear) const override {
        std::size_t taken = 0;
        while (true) {
            const auto rest = bytes.substr(taken);
            const auto end = rest.find("\r\n");
            if (end == std::string_view::npos) return taken;
            const auto line = rest.substr(0, end);
            std::size_t size = end + 2;
            if (line.starts_with("MSG ")) {
                const auto digits = line.substr(line.rfind(' ') + 1);
                std::size_t payload = 0;
                std::from_chars(digits.data(), digits.data() + digits.size(), payload);
                if (rest.size() < size + 2 || rest.size() - size - 2 < payload) return taken;
                ear.on_message(rest.substr(size, payload));
                size += payload + 2;
            } else if (line == "PONG") {
                ear.on_ok();
            } else if (line == "PING") {
                ear.on_question(client_frame(opcode::binary, "PONG\r\n"));
            } else if (line.starts_with("-ERR")) {
                ear.on_refused(line);
            }
            taken += size;
        }
    }
};

}  // namespace

std::unique_ptr<Dialect> nats() {
    return std::make_unique<Nats>();
}

}  // namespace roost::bench
