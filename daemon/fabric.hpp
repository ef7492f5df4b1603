// fabric: the node's side of the group: the Group and the Desk, wired to sockets and shards.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "daemon/board.hpp"
#include "daemon/core/desk.hpp"
#include "daemon/core/event_desk.hpp"
#include "daemon/core/group.hpp"
#include "daemon/core/handlers.hpp"
#include "daemon/edge/beacon_socket.hpp"
#include "daemon/edge/control_socket.hpp"
#include "daemon/edge/group_sockets.hpp"
#include "daemon/edge/mailbox.hpp"
#include "daemon/letters.hpp"
#include "proto/beacon_seal.hpp"

namespace roost {

struct FabricConfig {
    GroupConfig group;
    DeskConfig desk;
    HandlersConfig handlers;
    EventDeskConfig events;
    Endpoint listen;
    std::vector<GroupKey> keys;
    std::string control;
    BeaconSocketConfig beacon;
    // What may wait in the publishing socket for slow peers, all together: bytes.
    std::size_t queue_bytes_max = 256'000'000;
};

class Fabric final : private GroupOutlet, private DeskOutlet, private HandlersOutlet {
public:
    // Throws StartError.
    Fabric(Loop& loop, zmq::context_t& context, const FabricConfig& config, Board& board,
           FactLog& facts);

    // Before any loop runs.
    void connect(std::vector<Mailbox<ShardLetter>*> shards) { shards_ = std::move(shards); }
    Mailbox<FabricLetter>& mailbox() { return mailbox_; }

private:
    void open_contact(ContactId contact, const Endpoint& router, std::size_t key) override;
    void close_contact(ContactId contact) override;
    bool to_contact(ContactId contact, std::string_view bytes) override;
    bool answer(const std::string& route, std::string_view bytes) override;
    void listen_to(const Endpoint& publisher, std::size_t key) override;
    void stop_listening_to(const Endpoint& publisher) override;
    void subscribe(std::string_view key) override;
    void unsubscribe(std::string_view key) override;
    void publish(std::string_view bytes) override;
    void broadcast(const BroadcastRef& broadcast) override;
    void send_beacon(std::string_view datagram) override;
    void to_holder(Holder holder, const BroadcastRef& broadcast) override;
    void to_holder(Holder holder, const Gap& gap) override;
    void live(Holder holder, Bucket bucket, Ticket ticket) override;
    void resumed(Holder holder, Ticket ticket, Replay replay) override;
    void poll_asked(const std::string& route, std::uint64_t serial,
                    const PollRequest& request) override;
    void poll_answered(Holder holder, std::uint64_t id, const PollAnswer& answer) override;
    bool to_client(const std::string& route, std::string_view bytes) override;
    bool to_worker(const std::string& route, std::string_view bytes) override {
        return to_client(route, bytes);
    }
    bool to_peer(Incarnation peer, const control::Asked& asked) override {
        return group_.ask_backend(peer, asked);
    }
    void peer_gone(Incarnation peer) override { handlers_.on_peer_gone(peer, loop_.now()); }
    void backend_offered(Incarnation peer, const std::vector<BackendLane>& lanes) override;
    void backend_asked(const std::string& route, const control::Asked& asked) override;
    void backend_decided(Incarnation peer, std::uint64_t serial,
                         const backend::Outcome& outcome) override;
    void backend_answered(const BackendAsker& asker, backend::Outcome outcome) override;
    void to_shards(const BroadcastRef& broadcast) override;
    void ask_topics(std::uint64_t question) override;
    void ask_delivery(std::uint64_t question, const DeliveryRef& delivery) override;
    void delivery_asked(const std::string& route, const control::Request& request) override;
    void delivered(Incarnation peer, std::uint64_t question, const DeliveryCounts& counts) override;
    void note(const Fact& fact) override { facts_.note(fact); }

    GroupSocketEvents events();
    void on_beacon(const std::string& host, std::string_view bytes);
    bool take_turn();
    void on_letter(FabricLetter& letter);
    void to_shard(std::size_t shard, const BroadcastRef& broadcast);
    void ask_shard(const PollReturn& from, const PollRequest& request);
    void tick();

    Loop& loop_;
    Holder desk_holder_;
    Board& board_;
    FactLog& facts_;
    Mailbox<FabricLetter> mailbox_;
    std::vector<Mailbox<ShardLetter>*> shards_;
    // Answers of the group to the desk wait for the end of its own call.
    std::vector<std::pair<Bucket, Ticket>> live_for_desk_;
    GroupSockets sockets_;
    ControlSocket control_;
    std::optional<BeaconSocket> beacon_;
    BeaconSeal seal_;
    Group group_;
    Handlers handlers_;
    EventDesk event_desk_;
    Desk desk_;
};

}  // namespace roost
