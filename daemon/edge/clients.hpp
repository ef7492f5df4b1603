// clients: the WebSocket and HTTP side of one shard, over libwebsockets.
//
// Accepts on the shard's own listener, adopts the sockets into its own libwebsockets context, and
// translates: frames in to the hub, bytes out to its sockets or to the clients that poll.
// One loop, one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/hub.hpp"
#include "daemon/core/poll_sessions.hpp"
#include "daemon/edge/api.hpp"
#include "daemon/edge/certificate.hpp"
#include "daemon/edge/listener.hpp"
#include "daemon/edge/loop.hpp"
#include "daemon/edge/node_pages.hpp"
#include "daemon/edge/sockets.hpp"

namespace roost {

class Door;

struct ClientsConfig {
    std::vector<Listener> listeners;  // owned
    // With it TCP listeners speak TLS; a unix socket is for a proxy of this machine, and does not.
    std::shared_ptr<const Certificate> certificate;
    std::string socket_path = "/socket";
    std::size_t frame_bytes_max = 1'000'000;
    bool has_try_page = false;
    // Clients without a WebSocket, at /longpoll beside /websocket.
    bool has_long_poll = true;
    PollLimits polls;
    Origin home;
    bool has_uring = false;  // known to work on this machine
    // Of those who may use the HTTP API; none: it is off.
    std::shared_ptr<const ApiKeys> api_keys = nullptr;
};

class Clients final : public SocketSink {
public:
    Clients(Loop& loop, ClientsConfig config, Door& door, TokenCheck& tokens, NodePages pages,
            PollRelay relay, AskDesk ask_desk);
    ~Clients() override;

    void attach(Hub& hub);
    bool send(SocketId socket, std::string_view bytes) override;
    void send_all(std::span<Sending> sendings) override;
    // Takes effect in end_turn(), after what the hub has flushed.
    void close(SocketId socket, CloseCode code);
    void end_turn();
    // Whether a message ended in the middle in this turn: the rest of it is mostly there to be
    // read.
    bool is_in_the_middle();
    void tick();
    void stop_listening();
    // A request of a client of another shard or node, for a session of this one.
    void ask(const PollRequest& request, std::function<void(PollAnswer)> on_answer);
    void on_relayed(PollId id, PollAnswer answer);
    void on_desk_answer(const control::Answer& answer);
    const PollSessions& poll_sessions() const;
    const SendCounters& sends() const;
    // For the connections that come from now on.
    void show(std::shared_ptr<const Certificate> certificate);
    // Empty if the socket is gone.
    std::string address_of(SocketId socket) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
