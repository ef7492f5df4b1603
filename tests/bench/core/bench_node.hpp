// bench_node: hub and group of the core as one node, its sockets a sink that forgets, its network a
// call of the other node.
//
// What the outlets do costs next to nothing, so that instructions counted here are the core's.
// Letters between the two machines wait for settle(), as the queues of a real node do.
#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/group.hpp"
#include "daemon/core/hub.hpp"

namespace roost::bench {

class BenchNode final : HubOutlet, GroupOutlet, SocketSink {
public:
    explicit BenchNode(std::uint8_t index);

    // Two nodes that know each other. Both live as long as they are used.
    void link(BenchNode& other) { other_ = &other; }
    // Until neither node has anything to say any more.
    void settle();
    // Heartbeats and deadlines, for so long.
    void run_for(Duration duration);
    std::size_t peers_in_view() const { return group_.peers_in_view(); }

    SocketId open() { return hub_.on_open(Wire::v2, now_); }
    void say(SocketId socket, std::string_view text) { hub_.on_text(socket, text, now_); }
    // The publisher's half of a turn: what was said goes to the sockets and to the network.
    void end_turn();
    // The receiver's half: what the network brought goes to the sockets.
    void take_published();

    std::uint64_t deliveries() const { return hub_.counters().deliveries; }
    std::size_t channel_count() const { return hub_.channels().channel_count(); }
    std::uint64_t bytes_sent() const { return bytes_sent_; }

private:
    void to_node(const BroadcastRef& message) override { local_.push_back(message); }
    void want(Bucket bucket, Ticket ticket) override;
    void release(Bucket bucket) override;
    void resume(Ticket, std::string_view, const Since&) override {}
    void close(SocketId, CloseCode) override;
    void note(const Fact&) override {}
    bool send(SocketId, std::string_view bytes) override {
        bytes_sent_ += bytes.size();
        return true;
    }

    void open_contact(ContactId, const Endpoint&, std::size_t) override {}
    void close_contact(ContactId) override {}
    bool to_contact(ContactId contact, std::string_view bytes) override;
    bool answer(const std::string& route, std::string_view bytes) override;
    void listen_to(const Endpoint&, std::size_t) override;
    void stop_listening_to(const Endpoint&) override {}
    void subscribe(std::string_view key) override;
    void unsubscribe(std::string_view key) override;
    void publish(std::string_view bytes) override;
    void broadcast(const BroadcastRef& message) override { publish(message->wire()); }
    void send_beacon(std::string_view) override {}
    void to_holder(Holder, const BroadcastRef& message) override { delivered_.push_back(message); }
    void to_holder(Holder, const Gap&) override {}
    void live(Holder, Bucket bucket, Ticket ticket) override;
    void resumed(Holder, Ticket, Replay) override {}
    void poll_asked(const std::string&, std::uint64_t, const PollRequest&) override {}
    void poll_answered(Holder, std::uint64_t, const PollAnswer&) override {}

    bool take_letters();

    std::uint8_t index_;
    BenchNode* other_ = nullptr;
    Time now_{std::chrono::hours(1)};
    Rules rules_{{}};
    std::vector<BroadcastRef> local_, delivered_;
    std::vector<std::string> published_;  // by the other node, for this one
    std::deque<std::function<void()>> letters_;
    std::set<std::string, std::less<>> subscriptions_;
    std::uint64_t bytes_sent_ = 0;
    Hub hub_;
    Group group_;
};

}  // namespace roost::bench
