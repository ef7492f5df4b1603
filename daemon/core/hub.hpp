// hub: the clients of one shard, as a machine that turns input into output.
//
// The edge calls the on_ functions, one event at a time, tick() when next_deadline() has come, and
// flush() at the end of each turn of the loop. Each call runs to its end; what the hub has to say
// goes out through its HubOutlet and SocketSink before the call returns. No thread, no clock, no
// socket and no randomness in here: one history of inputs has exactly one history of outputs.
//
// A broadcast takes this path, and no other:
//   on_text -> publish -> outlet.to_node   (other shards, and the group's fabric)
//                      -> deliver          (members of this shard: noted in the outbox)
//   on_broadcast (from another shard or node) -> deliver, and stops
//   flush -> one send for each socket that has something pending
//
// hub.cpp has this path and the joins; hub_resume.cpp what channels with positions need beside;
// hub_slow.cpp what clients are told that do not read fast enough; hub_token.cpp who they are;
// hub_backend.cpp what a backend decides; hub_directed.cpp what the desk wants for some only;
// hub_events.cpp tells who comes and goes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/core/bearer.hpp"
#include "daemon/core/channels.hpp"
#include "daemon/core/dedup.hpp"
#include "daemon/core/delivery.hpp"
#include "daemon/core/fact.hpp"
#include "daemon/core/happening.hpp"
#include "daemon/core/local_interest.hpp"
#include "daemon/core/numbering.hpp"
#include "daemon/core/outbox.hpp"
#include "daemon/core/rate_limit.hpp"
#include "daemon/core/replay.hpp"
#include "daemon/core/time.hpp"
#include "proto/backend.hpp"
#include "proto/broadcast.hpp"
#include "proto/client_text.hpp"
#include "proto/limits.hpp"
#include "proto/session.hpp"
#include "proto/since.hpp"

namespace roost {

// RFC 6455, section 7.4. From 1000 phoenix.js does not come back.
enum class CloseCode : std::uint16_t {
    kicked_for_good = 1000,
    going_away = 1001,
    not_utf8 = 1007,
    policy = 1008,
    too_big = 1009,
    restarting = 1012,
    try_later = 1013,
    token_expired = 4001,
    kicked = 4002,
};

class HubOutlet {
public:
    virtual ~HubOutlet() = default;
    // To the other shards of this node and to its fabric, in this order for each origin.
    virtual void to_node(const BroadcastRef& broadcast) = 0;
    virtual void want(Bucket bucket, Ticket ticket) = 0;
    virtual void release(Bucket bucket) = 0;
    // What has been published on the topic since? Answered by on_resumed.
    virtual void resume(Ticket ticket, std::string_view topic, const Since& since) = 0;
    // After what has been sent so far. The edge calls on_close when the socket is gone.
    virtual void close(SocketId socket, CloseCode code) = 0;
    // A backend is to decide. Answered by on_backend() with this number. False if none can be
    // asked.
    virtual bool ask_backend(std::uint64_t, backend::Request&&) { return false; }
    // Nobody waits for it any more. It is answered all the same.
    virtual void take_back(std::uint64_t) {}
    virtual void note(const Fact& fact) = 0;
    // Only if the limits have events.
    virtual void happened(Happening&&) {}
};

struct HubLimits {
    std::size_t channels_max = 100;     // of one connection
    std::uint32_t joins_max = 100;      // a second, of one connection; 0: any number
    std::uint32_t messages_max = 1000;  // others than joins, the same
    std::size_t topic_bytes_max = limits::topic_bytes_max;
    std::size_t event_bytes_max = limits::event_bytes_max;
    std::size_t json_depth_max = 64;
    Duration idle_max = std::chrono::seconds(60);
    OutboxLimits outbox;
    unsigned interest_bits = bucket_bits_max;
    Duration dedup_window = std::chrono::seconds(120);
    bool has_events = false;  // is it to be told who comes and goes?
};

struct HubCounters {
    std::uint64_t frames_in = 0;
    std::uint64_t broadcasts_in = 0;  // published here by clients
    std::uint64_t deliveries = 0;     // (message, member) pairs
    std::uint64_t joins = 0;
    std::uint64_t deduplicated = 0;  // publishes that were repeated, and messages that came twice
};

class Hub {
public:
    // Without a TokenCheck there are no tokens.
    Hub(const Origin& origin, const Rules& rules, const HubLimits& limits, HubOutlet& outlet,
        SocketSink& sink, TokenCheck* tokens = nullptr);

    // Clients.
    // The bearer of the token that came with the handshake, if one did. With a greeting a backend
    // decides whether the client may stay, and what it says until then waits.
    SocketId on_open(Wire wire, Time now, std::unique_ptr<const Bearer> bearer = nullptr,
                     std::unique_ptr<backend::Request> greeting = nullptr);
    // A whole message: the content of its frames.
    void on_text(SocketId socket, std::string_view text, Time now);
    void on_binary(SocketId socket, std::string_view bytes, Time now);
    // A message beyond the edge's limit, of which nothing was kept.
    void on_too_big(SocketId socket);
    void on_pong(SocketId socket, Time now);
    void on_writable(SocketId socket);
    void on_close(SocketId socket);

    // This node's other loops.
    void on_broadcast(const BroadcastRef& broadcast, Time now);
    // Messages of a stream are lost for good: channels with positions are told.
    void on_gap(const Gap& gap);
    void on_resumed(Ticket ticket, Replay replay, Time now);
    void on_live(Bucket bucket, Ticket ticket, Time now);
    // The desk's: to be done, and what it came to.
    DeliveryCounts on_delivery(const Delivery& delivery);
    void on_backend(std::uint64_t asked, backend::Outcome outcome, Time now);

    // Time.
    Time next_deadline() const { return next_sweep_; }
    void tick(Time now);
    void flush();

    // The node is going: closes up to `most` connections; true when none is left.
    bool hand_over(std::size_t most);

    // What a client is told; empty if it may. Without a bearer it has shown no token.
    static std::string_view why_not_join(const Rule& rule, std::string_view topic,
                                         const Bearer* bearer);
    // Asking: a backend decides on what the token allows.
    static std::string_view why_not_push(const Rule& rule, std::string_view topic,
                                         const Bearer* bearer, bool is_asking = false);

    std::size_t connection_count() const { return open_; }
    // The connection's name in the group, and back: nothing for one that is gone.
    SessionId session_of(SocketId socket) const { return {origin_, connections_[socket].serial}; }
    std::optional<SocketId> find(const SessionId& session) const;
    const Channels& channels() const { return channels_; }
    const HubCounters& counters() const { return counters_; }
    const Outbox& outbox() const { return outbox_; }

private:
    // What a backend has said of the client.
    struct Stuck {
        std::string user, data;
    };
    struct Connection {
        Time heard{};
        std::uint64_t serial = 0;  // the socket, below the count of connections before it
        Time joins_paid{}, messages_paid{};
        std::uint16_t refused = 0;  // for being too many, since it last paused
        std::unique_ptr<const Bearer> bearer;
        std::optional<CloseCode> closed_with;
        Wire wire = Wire::v2;
        bool is_open = false;
        bool is_closing = false;
        bool is_pinged = false;
        bool is_warned = false;  // that its token expires
        std::uint8_t bad_frames = 0;
        std::unique_ptr<Stuck> stuck;  // none: no backend has said anything of it
    };
    // What came in one message, and the same kept for later.
    struct Said {
        std::string_view bytes;
        bool is_binary = false;
    };
    struct Held {
        std::string bytes;
        bool is_binary = false;
    };
    // A join that waits for its bucket and for a backend, and then, if its client wants to resume,
    // for what it missed; and what its client said to the topic meanwhile.
    struct WaitingJoin {
        std::string ref;
        std::optional<Since> since;
        Ticket resuming = 0;
        std::uint64_t asked = 0;              // of a backend, which has not answered; 0: nothing
        backend::Response response;           // what it has answered
        std::vector<BroadcastRef> collected;  // what was published since it has asked
        std::vector<Held> held;
        std::size_t held_bytes = 0;
    };

    // What a backend is asked. Its channel may be gone by the time of the answer.
    struct Asked {
        backend::Kind kind{};
        SessionId session;
        std::optional<ChannelId> channel;
        std::string topic;
        std::string ref, raw_topic;  // of a push, to be echoed
    };
    // A channel about whose last message a backend is asked, and what its client says meanwhile.
    struct Busy {
        std::uint64_t asked = 0;
        std::vector<Held> held;
        std::size_t held_bytes = 0;
    };

    Result<ClientMessage, FrameError> decode(SocketId socket, const Said& said);
    void on_said(SocketId socket, const Said& said, Time now);
    void handle(SocketId socket, const ClientMessage& message, const Said& said, Time now);
    void sweep(SocketId socket, Time now);
    void on_join(SocketId socket, const ClientMessage& message);
    void on_leave(SocketId socket, ChannelId channel, const ClientMessage& message);
    void on_push(SocketId socket, ChannelId channel, const ClientMessage& message, Time now);
    void hold(SocketId socket, ChannelId channel, const Said& said);
    bool is_within_limits(SocketId socket, const ClientMessage& message, Time now);
    void refuse_frame(SocketId socket, FrameError error);

    void complete_join(ChannelId channel, std::string_view ref, const backend::Response& response);
    // A join that has been answered; its channel may be gone since.
    struct Answered {
        SessionId session;
        std::string topic;
        WaitingJoin join;
    };
    // What a backend wants done beside the answer, and what the client said before it.
    void finish_join(const Answered& answered, Time now);
    void say_held(const SessionId& session, const std::vector<Held>& held, Time now);
    // hub_backend.cpp
    std::uint64_t ask(backend::Request request, Asked asked);
    void ask_about_connection(SocketId socket, backend::Request greeting);
    void wait_to_connect(SocketId socket, const ClientMessage& message, const Said& said, Time now);
    void on_connection_decided(const SessionId& session, const backend::Outcome& outcome, Time now);
    void refuse_connection(SocketId socket, const backend::Outcome& outcome);
    void forget_connecting(SocketId socket);
    void ask_about_join(ChannelId channel, const ClientMessage& message);
    void ask_about_push(SocketId socket, ChannelId channel, const ClientMessage& message);
    void wait_for_backend(SocketId socket, ChannelId channel, const ClientMessage& message,
                          const Said& said, Time now);
    void on_join_decided(ChannelId channel, backend::Outcome outcome, Time now);
    void on_push_decided(const Asked& asked, backend::Outcome outcome, Time now);
    void stick(SocketId socket, const backend::Response& response);
    void act(const SessionId& session, const std::string& topic, const backend::Response& response);
    void act(const SessionId& session, const std::string& topic, const backend::Action& action);
    void end_channel(ChannelId channel, std::string_view event);
    void forget_asked(ChannelId channel);
    void put_reply(SocketId socket, std::string_view join_ref, std::string_view ref,
                   std::string_view raw_topic, const backend::Response& response);
    // hub_directed.cpp
    std::string_view user_of(SocketId socket) const;
    bool push_to(SocketId socket, const control::Publish& message);
    std::uint64_t deliver_unnumbered(const control::PublishMany& publish,
                                     const control::Publish& message, bool is_counted_only);
    // Who is not shown the message.
    SocketId excepted(const Broadcast& broadcast) const {
        if (!broadcast.has_exception()) return Outbox::nobody;
        return find(*broadcast.except()).value_or(Outbox::nobody);
    }
    // hub_token.cpp
    void on_access_token(SocketId socket, std::string_view join_ref, const ClientMessage& message,
                         Time now);
    void end_what_is_not_allowed(SocketId socket);
    void watch_token(SocketId socket, Time now);
    // hub_events.cpp
    Happening happening(Happening::Kind kind, SocketId socket) const;
    void tell_connected(SocketId socket);
    void tell_disconnected(SocketId socket);
    void tell_joined(ChannelId channel);
    void tell_left(ChannelId channel);
    // hub_resume.cpp
    void begin_resume(ChannelId channel);
    void collect(const BroadcastRef& broadcast);
    void tell_repeated(const Broadcast& broadcast);
    void tell_positioned(const Topic& topic, std::string_view position, std::string_view event,
                         std::string_view payload);
    // hub_slow.cpp
    void tell_skipped(SocketId socket, const Skipped& skipped);
    bool knows_already(ChannelId channel, const Broadcast& broadcast);
    void limit_replay(Replay& replay, bool& is_truncated) const;
    void remove_channel(ChannelId channel);
    WaitingJoin& waiting(ChannelId channel);
    bool publish(SocketId publisher, ChannelId channel, const ClientMessage& message,
                 std::string_view id, Time now);
    void deliver(TopicId topic, const BroadcastRef& broadcast, SocketId except);
    // The frames of one message to one connection, in the wire that it speaks.
    void put_push(SocketId socket, std::string_view join_ref, std::string_view ref,
                  std::string_view raw_topic, std::string_view event, std::string_view payload);
    void reply(SocketId socket, std::string_view join_ref, const ClientMessage& message,
               std::string_view status, std::string_view response);
    void refuse(SocketId socket, std::string_view join_ref, const ClientMessage& message,
                std::string_view why);
    void close(SocketId socket, CloseCode code);

    const Rules& rules_;
    Origin origin_;
    HubLimits limits_;
    RateLimit join_limit_, message_limit_;
    HubOutlet& outlet_;
    TokenCheck* tokens_;
    Numbering numbering_;
    JsonReader json_;
    FrameScratch scratch_;
    std::string reply_;
    Outbox outbox_;
    Channels channels_;
    LocalInterest interest_;
    std::vector<Connection> connections_;
    std::vector<SocketId> free_sockets_;
    Dedup dedup_;
    std::map<std::pair<Bucket, ChannelId>, WaitingJoin> waiting_;
    std::map<std::uint64_t, Asked> asked_;
    std::uint64_t last_asked_ = 0;
    std::map<ChannelId, Busy> busy_;
    std::map<SocketId, Busy> connecting_;
    std::map<Ticket, ChannelId> resuming_;
    Ticket last_resume_ = 0;
    // What channels have been told, and what comes here later: they had heard it on another node,
    // or it is on its way from another shard.
    std::map<ChannelId, Positions> ahead_;
    // The number of each join that was told.
    std::unordered_map<ChannelId, std::uint64_t> joins_told_;
    std::uint64_t last_join_ = 0;
    std::vector<SessionId> unasked_;  // nobody could be asked about them
    HubCounters counters_;
    std::size_t open_ = 0;
    std::uint64_t opened_ = 0;
    Time next_sweep_{};
};

}  // namespace roost
