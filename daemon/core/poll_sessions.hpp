// poll_sessions: the clients of one shard that poll, as they have no WebSocket.
//
// To the hub a session is a connection like any other. What the hub sends to it is kept as JSON
// strings until a get takes it. As long as something is kept the outbox is told to wait, so that
// what waits for a session is bounded where it is for all. A session that nobody has polled for two
// windows is over. Spec: proto/client.md. Pure: no clock, no socket, and secrets are given.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/core/hub.hpp"
#include "proto/long_poll.hpp"

namespace roost {

// A request, by the number that whoever brings it has chosen.
using PollId = std::uint64_t;

// Brings a request to the shard or node of its session.
using PollRelay = std::function<void(PollId id, PollRequest request)>;

class PollOutlet {
public:
    virtual ~PollOutlet() = default;
    virtual void answer(PollId id, PollAnswer answer) = 0;
    // The session is over, and its socket was given back to the hub.
    virtual void over(SocketId socket) = 0;
};

struct PollLimits {
    Duration window = std::chrono::seconds(10);  // how long a get waits
    std::size_t frame_bytes_max = 1'000'000;
};

class PollSessions {
public:
    PollSessions(const Origin& home, const PollLimits& limits, Hub& hub, PollOutlet& outlet)
        : home_(home), limits_(limits), hub_(hub), outlet_(outlet) {}

    struct Opened {
        SocketId socket = 0;
        PollAnswer answer;
    };
    // A new session. As in Phoenix its token comes in an answer with the status 410.
    Opened open(std::string secret, Wire wire, Time now,
                std::unique_ptr<const Bearer> bearer = nullptr,
                std::unique_ptr<backend::Request> greeting = nullptr);
    // Answered by the outlet: at once, or when there is something to tell, at the latest at the end
    // of the window.
    void ask(PollId id, const PollRequest& request, Time now);
    // Whoever asked is gone.
    void forget(PollId id);

    // What the hub sends, as to any socket.
    bool send(SocketId socket, std::string_view frames);
    // The hub has closed it: it ends with the turn, as what has been said still leaves.
    void close(SocketId socket) { sessions_.at(socket).is_closed = true; }
    void end_if_closed(SocketId socket);
    void tick(Time now);

    bool has(SocketId socket) const { return sessions_.contains(socket); }
    std::size_t size() const { return sessions_.size(); }
    std::size_t waiting() const { return waits_.size(); }

private:
    struct Wait {
        PollId id = 0;
        SocketId socket = 0;
        Time until{};
    };
    struct Session {
        PollToken token;
        std::string messages;  // JSON strings, with commas between them
        Time polled{};
        bool is_closed = false;  // by the hub
        std::vector<PollId> waits;
        // Which of them is answered when there is something: the newest. The one before it waits
        // out its time.
        std::optional<PollId> waiting;
        std::list<SocketId>::iterator place;  // in by_age_
    };

    void end(SocketId socket);
    void get(PollId id, SocketId socket, bool may_wait, Time now);
    void post(PollId id, SocketId socket, const PollRequest& request, Time now);
    void say(SocketId socket, std::string_view frame, bool is_binary, Time now);
    void collect(SocketId socket);
    void answer_with_messages(PollId id, Session& session);
    void answer_with_nothing(PollId id, const Session& session);
    void touch(Session& session, Time now);
    // The session of the wait, which is over.
    Session& stop_waiting(PollId id);

    Origin home_;
    PollLimits limits_;
    Hub& hub_;
    PollOutlet& outlet_;
    std::unordered_map<SocketId, Session> sessions_;
    std::unordered_map<std::string, SocketId> by_secret_;
    std::list<SocketId> by_age_;  // those polled longest ago come first
    std::list<Wait> waits_;       // in the order in which they end
    std::unordered_map<PollId, std::list<Wait>::iterator> by_id_;
    Time now_{};  // of the last event
};

}  // namespace roost
