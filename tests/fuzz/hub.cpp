// Several clients of one hub. The input is a script: a byte chooses a client and what it does, a
// length its text. Whatever they say, what each is told is a sequence of whole frames.
#include <map>
#include <string>
#include <vector>

#include "daemon/core/hub.hpp"
#include "proto/ws_frame.hpp"
#include "tests/fuzz/input.hpp"

using namespace roost;

namespace {

constexpr Wire wires[] = {Wire::v2, Wire::v1, Wire::v2, Wire::v2_text};

class World : public HubOutlet, public SocketSink, public TokenCheck {
public:
    World() {
        limits_.outbox.bytes_max = 20'000;
        for (const Wire wire : wires) sockets_.push_back(hub_.on_open(wire, now_));
    }

    void play(std::string_view script) {
        while (script.size() >= 2) {
            const auto verb = static_cast<std::uint8_t>(script[0]);
            const auto size =
                std::min<std::size_t>(static_cast<std::uint8_t>(script[1]), script.size() - 2);
            act(verb % std::size(wires), verb / 4 % 8, script.substr(2, size));
            script.remove_prefix(2 + size);
        }
        hub_.flush();
    }

private:
    void act(std::size_t client, unsigned what, std::string_view text) {
        const SocketId socket = sockets_[client];
        now_ += std::chrono::milliseconds(100);
        switch (what) {
            case 0: hub_.on_binary(socket, text, now_); break;
            case 1: answer_all(); break;
            case 2:
                hub_.on_close(socket);
                sockets_[client] = hub_.on_open(wires[client], now_);
                break;
            case 3:
                hub_.tick(now_);
                hub_.flush();
                break;
            case 4:
                is_slow_ = !is_slow_;
                hub_.on_writable(socket);
                break;
            default: hub_.on_text(socket, text, now_);
        }
    }
    void answer_all() {
        for (const auto& [bucket, ticket] : std::exchange(wants_, {})) {
            hub_.on_live(bucket, ticket, now_);
        }
        for (const Ticket ticket : std::exchange(resumes_, {})) hub_.on_resumed(ticket, {}, now_);
        hub_.flush();
    }

    void to_node(const BroadcastRef& broadcast) override {
        fuzz::expect(Broadcast::parse(broadcast->wire()).has_value());
    }
    void want(Bucket bucket, Ticket ticket) override { wants_.emplace_back(bucket, ticket); }
    void release(Bucket) override {}
    void resume(Ticket ticket, std::string_view, const Since&) override {
        resumes_.push_back(ticket);
    }
    void close(SocketId, CloseCode code) override { fuzz::expect(code != CloseCode{1000}); }
    void note(const Fact&) override {}
    bool has_keys() const override { return true; }
    Result<Bearer, TokenError> check(std::string_view token, Time now) override {
        if (token.size() > 3) return Unexpected{TokenError::malformed};
        Bearer bearer;
        bearer.claims.subject = token;
        bearer.claims.texts["sub"] = token;
        bearer.expires = now + std::chrono::minutes(2);
        return bearer;
    }
    bool send(SocketId socket, std::string_view bytes) override {
        JsonReader reader(70);
        while (!bytes.empty()) {
            const auto frame = ws::take_frame(bytes);
            fuzz::expect(frame.has_value());
            switch (frame->opcode) {
                case ws::Opcode::text: fuzz::expect(reader.is_valid(frame->content)); break;
                case ws::Opcode::binary:
                    fuzz::expect(socket != sockets_[1] && socket != sockets_[3]);
                    break;
                case ws::Opcode::ping: break;
                default: fuzz::expect(false);
            }
        }
        return !is_slow_;
    }

    Time now_{std::chrono::hours(1)};
    Rules rules_{{*parse_rule("user:{sub}"), *parse_rule("h* history=5,1m slow=latest"),
                  *parse_rule("o* push=others slow=drop-oldest"), *parse_rule("*")}};
    HubLimits limits_;
    Hub hub_{{7, 1}, rules_, limits_, *this, *this, this};
    std::vector<SocketId> sockets_;
    std::vector<std::pair<Bucket, Ticket>> wants_;
    std::vector<Ticket> resumes_;
    bool is_slow_ = false;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world;
    world.play(fuzz::text_of(data, size));
    return 0;
}
