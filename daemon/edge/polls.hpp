// polls: the HTTP side of the clients of one shard that poll.
//
// Reads their requests, which may be for a session of this shard, of another, or of another node:
// then they are relayed, so that a balancer in front may send each request where it likes. Answers
// are pages, given to the owner of the connection; each is the last of its connection. One loop,
// one thread. Spec: proto/client.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/core/poll_sessions.hpp"
#include "daemon/edge/door.hpp"
#include "daemon/edge/http_page.hpp"

struct lws;

namespace roost {

struct Visitor;

struct PollsOutside {
    std::function<bool()> is_ready;
    PollRelay relay;  // answered by Polls::on_relayed
    // The answer to the connection's request.
    std::function<void(lws* wsi, HttpPage page)> show;
    std::function<Time()> now;
};

class Polls final : private PollOutlet {
public:
    Polls(const Origin& home, const PollLimits& limits, Door& door, TokenCheck& tokens,
          PollsOutside outside);
    ~Polls() override;

    void attach(Hub& hub);

    // A request whose head has been read, pieces of its body, and the end of it.
    void on_request(lws* wsi, const Visitor& visitor);
    void on_body(lws* wsi, std::string_view piece);
    void on_body_end(lws* wsi);
    void on_gone(lws* wsi);
    // Has the whole request been read, and its answer not been shown?
    bool is_waiting(lws* wsi) const;
    // May it wait for as long as the window?
    bool is_long(lws* wsi) const;

    // The request of another shard's or node's client, for a session of this shard.
    void ask(const PollRequest& request, std::function<void(PollAnswer)> on_answer);
    void on_relayed(PollId id, PollAnswer answer) { answer_to(id, std::move(answer)); }

    // The hub's side, as for any socket; sockets that are none of a session are let be.
    bool send(SocketId socket, std::string_view frames);
    // Takes effect in end_turn(), after what the hub has flushed.
    void close(SocketId socket);
    void end_turn();
    void tick();
    std::string address_of(SocketId socket) const;
    const PollSessions& sessions() const { return *sessions_; }

private:
    // A request that is being read or answered.
    struct Call {
        PollRequest request;
        std::size_t body_bytes = 0;
        std::optional<PollAnswer> verdict;  // known before it has been read
        PollId id = 0;                      // once it has been read
        // Who asks, should it be for a new session.
        std::optional<Wire> wire;
        std::string client_token;
        std::unique_ptr<backend::Request> greeting;
        Address client;
        std::multimap<Time, lws*>::iterator late;  // its place there, while it is in late_
        bool is_late = false;
    };

    void answer(PollId id, PollAnswer answer) override { answer_to(id, std::move(answer)); }
    void over(SocketId socket) override;

    void answer_to(PollId id, PollAnswer answer);
    void bring(lws* wsi, Call& call);
    void finish(lws* wsi, PollAnswer answer);
    PollAnswer open(Call& call, Duration& wait);
    void show_later(lws* wsi, Call call, PollAnswer answer, Time due);
    void refuse(lws* wsi, unsigned status);

    Origin home_;
    PollLimits limits_;
    Door& door_;
    TokenCheck& tokens_;
    PollsOutside outside_;
    std::unique_ptr<PollSessions> sessions_;
    std::unordered_map<lws*, Call> calls_;
    std::unordered_map<PollId, std::function<void(PollAnswer)>> asked_;
    std::multimap<Time, lws*> late_;  // refusals that are told when the time has come
    std::unordered_map<SocketId, Address> clients_;
    PollId last_id_ = 0;
    std::size_t bodies_bytes_ = 0;  // promised by the calls that are not answered
    std::vector<SocketId> to_close_;
};

}  // namespace roost
