#include "client/bench/client_frame.hpp"
#include "client/bench/dialect.hpp"

namespace roost::bench {

namespace {

// What a query leaves as it is; a token has nothing else.
bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~").find(c) != std::string_view::npos;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string made;
    for (const char c : text) {
        if (is_plain(c)) {
            made.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        made.append({'%', digits[byte >> 4], digits[byte & 15U]});
    }
    return made;
}

// Of an error reply or a phx_error; all of it if there is none.
std::string_view reason_in(std::string_view text) {
    constexpr std::string_view key = R"("reason":")";
    const auto at = text.find(key);
    if (at == std::string_view::npos) return text;
    const auto reason = text.substr(at + key.size());
    return reason.substr(0, reason.find('"'));
}

class Phoenix final : public Dialect {
public:
    explicit Phoenix(const std::string& token)
        : query_(token.empty() ? "" : "&token=" + percent_encoded(token)) {}

    std::string path(const Target& target) const override {
        return target.path + "/websocket?vsn=2.0.0" + query_;
    }
    std::string greeting(const std::vector<std::string>& topics) const override {
        std::string frames;
        for (std::size_t i = 0; i < topics.size(); ++i) {
            const auto ref = std::to_string(i + 1);
            std::string text = "[\"";
            text.append(ref).append(R"(",")").append(ref).append(R"(",")").append(topics[i]);
            frames += client_frame(opcode::text, text.append(R"(","phx_join",{}])"));
        }
        return frames;
    }
    std::size_t confirmations(std::size_t topics) const override { return topics; }
    std::string publish(std::string_view topic, std::string_view payload) const override {
        std::string text = R"(["1","p",")";
        text.append(topic).append(R"(","m",)").append(payload).append("]");
        return client_frame(opcode::text, text);
    }
    bool is_stream() const override { return false; }
    std::size_t read(std::string_view bytes, Ear& ear) const override;

private:
    std::string query_;
};

std::size_t Phoenix::read(std::string_view bytes, Ear& ear) const {
    // Most of what comes is a broadcast, which has neither join_ref nor ref.
    const auto event =
        bytes.starts_with("[null,null,") ? std::string_view::npos : bytes.find("\"phx_");
    if (event == std::string_view::npos) {
        const auto begin = bytes.find('{');
        if (begin == std::string_view::npos) {
            ear.on_refused(bytes);
        } else {
            ear.on_message(bytes.substr(begin, bytes.size() - begin - 1));
        }
    } else if (bytes.substr(event).starts_with("\"phx_reply\"")) {
        if (bytes.find(R"("status":"ok")", event) != std::string_view::npos) {
            ear.on_ok();
        } else {
            ear.on_refused(reason_in(bytes.substr(event)));
        }
    } else if (!bytes.substr(event).starts_with("\"phx_close\"")) {
        ear.on_refused(reason_in(bytes.substr(event)));
    }
    return bytes.size();
}

}  // namespace

std::unique_ptr<Dialect> phoenix(const std::string& token) {
    return std::make_unique<Phoenix>(token);
}

}  // namespace roost::bench
