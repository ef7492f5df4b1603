// group: this node among the others, as a machine that turns input into output.
//
// It keeps the roster (whom it knows, who is up), the node's interest, the fences by which a join
// becomes live at every node in view, its place in the streams of the others, what was published
// last so that it can be sent again, and the history of topics. The fabric calls
// the on_ functions, tick() when next_deadline() has come, and end_of_turn() at the end of each
// turn of its loop. No socket, clock, thread or randomness in here.
//
// Contacts and peers: a contact is an address that may be a node. It is called (hello) until it
// answers. A peer is a living incarnation that answered. Its link is proved by a fence of its own
// before it counts as up; from then on joins wait for its fences.
//
// Its parts by file: group.cpp (interest, fences, broadcasts), group_roster.cpp (who is there),
// group_repair.cpp (where streams stand, what is sent again), group_resume.cpp (history, and the
// clients that come back), group_polls.cpp (clients whose session is on another node),
// group_handlers.cpp (backends of other nodes), group_directed.cpp (what is for some clients).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/dedup.hpp"
#include "daemon/core/delivery.hpp"
#include "daemon/core/fact.hpp"
#include "daemon/core/fences.hpp"
#include "daemon/core/history.hpp"
#include "daemon/core/interest.hpp"
#include "daemon/core/repair_buffer.hpp"
#include "daemon/core/replay.hpp"
#include "daemon/core/streams.hpp"
#include "daemon/core/time.hpp"
#include "proto/beacon.hpp"
#include "proto/control.hpp"
#include "proto/group_wire.hpp"
#include "proto/since.hpp"

namespace roost {

using ContactId = std::uint32_t;
// A kind of requests to backends, and a pattern of topics (of connect: empty).
using BackendLane = std::pair<backend::Kind, std::string>;

class GroupOutlet {
public:
    virtual ~GroupOutlet() = default;
    // DEALER: one for each contact, opened with one of the group's keys (0 if there are none).
    // False if it has no connection (yet): nothing was sent.
    virtual void open_contact(ContactId contact, const Endpoint& router, std::size_t key) = 0;
    virtual void close_contact(ContactId contact) = 0;
    virtual bool to_contact(ContactId contact, std::string_view bytes) = 0;
    // ROUTER: to whoever a message came from. False if it cannot take it now.
    virtual bool answer(const std::string& route, std::string_view bytes) = 0;
    // SUB. To listen twice to the same is to listen once.
    virtual void listen_to(const Endpoint& publisher, std::size_t key) = 0;
    virtual void stop_listening_to(const Endpoint& publisher) = 0;
    virtual void subscribe(std::string_view key) = 0;
    virtual void unsubscribe(std::string_view key) = 0;
    // XPUB.
    virtual void publish(std::string_view bytes) = 0;
    virtual void broadcast(const BroadcastRef& broadcast) = 0;
    // UDP.
    virtual void send_beacon(std::string_view datagram) = 0;
    // The node's own loops.
    virtual void to_holder(Holder holder, const BroadcastRef& broadcast) = 0;
    virtual void to_holder(Holder holder, const Gap& gap) = 0;
    virtual void live(Holder holder, Bucket bucket, Ticket ticket) = 0;
    virtual void resumed(Holder holder, Ticket ticket, Replay replay) = 0;
    // A peer's client polls for a session of this node: to be answered by answer_poll().
    virtual void poll_asked(const std::string& route, std::uint64_t serial,
                            const PollRequest& request) = 0;
    virtual void poll_answered(Holder holder, std::uint64_t id, const PollAnswer& answer) = 0;
    // Backends of peers. An offer stands for the one before.
    virtual void peer_gone(Incarnation) {}
    virtual void backend_offered(Incarnation, const std::vector<BackendLane>&) {}
    // To be answered by answer_backend().
    virtual void backend_asked(const std::string&, const control::Asked&) {}
    virtual void backend_decided(Incarnation, std::uint64_t, const backend::Outcome&) {}
    // To be answered by answer_delivery().
    virtual void delivery_asked(const std::string&, const control::Request&) {}
    virtual void delivered(Incarnation, std::uint64_t, const DeliveryCounts&) {}
    virtual void note(const Fact& fact) = 0;
};

struct GroupConfig {
    std::string group = "roost";
    std::string name;
    Incarnation incarnation = 0;
    std::string advertised_host;  // empty: the address from which the others see it come
    std::uint16_t router_port = 0;
    std::uint16_t pub_port = 0;
    std::vector<Endpoint> peers;
    bool beacon = true;
    std::size_t keys = 1;  // of the group, to be tried in turn; 1 as well if it has none
    Duration heartbeat_interval = std::chrono::milliseconds(250);
    Duration silent_after = std::chrono::seconds(1);
    Duration down_after = std::chrono::seconds(3);
    Duration hello_interval = std::chrono::seconds(1);
    Duration beacon_interval = std::chrono::seconds(1);
    // Addresses that were found, and callers that were refused: strangers can name any number.
    std::size_t found_max = 1024;
    // A member that has two keys is turned away with the one and let in with the other: only who is
    // turned away for so long is shown as refused.
    Duration refused_after = std::chrono::seconds(3);
    // Whoever refuses, or is refused, is seen doing it again within this, or it is over.
    Duration refusal_holds = std::chrono::seconds(10);
    // How long a contact that was found, not configured, is called without an answer.
    Duration forget_after = std::chrono::seconds(60);
    Duration fence_timeout = std::chrono::seconds(2);
    // Longer than a fence is open: a bucket that is left and wanted again has its old fence behind
    // it.
    Duration interest_linger = std::chrono::seconds(30);
    unsigned interest_bits = bucket_bits_max;
    // What this node has published last, to be sent again: bytes. As much may be held back behind
    // holes in the streams of others.
    std::size_t repair_buffer = 64'000'000;
    // How long what follows a hole waits without any progress of the repair.
    Duration repair_wait = std::chrono::seconds(5);
    // The same, while the peer is out of sight: it may come back with what is missing.
    Duration away_wait = std::chrono::seconds(60);
    // A question to a peer that stays without an answer is asked again.
    Duration ask_again_after = std::chrono::seconds(1);
    // Where a peer stood that is out of sight is known for so long, of so many.
    Duration remember_away = std::chrono::minutes(10);
    std::size_t away_max = 256;
    Rules rules{{}};
    std::size_t history_memory = 64'000'000;
    Duration history_wait = std::chrono::seconds(2);  // for the answers of peers
    // A node that has just started waits for the others before it says that something is lost: at
    // least, for beacons to be answered, and at most, if a node that it knows does not answer.
    Duration settle_least = std::chrono::seconds(1);
    Duration settle_most = std::chrono::seconds(4);
    Duration dedup_window = std::chrono::seconds(120);
    // For the answer of a peer to a client that polls: longer than a get waits there.
    Duration poll_wait = std::chrono::seconds(15);
};

struct GroupCounters {
    std::uint64_t broadcasts_out = 0;
    std::uint64_t broadcasts_in = 0;
    std::uint64_t not_wanted = 0;  // of a subscribed bucket, but nobody here has a channel in it
    std::uint64_t fences = 0;
    std::uint64_t fences_timed_out = 0;
    std::uint64_t repairs_asked = 0;   // requests of ours
    std::uint64_t repairs_served = 0;  // messages sent again
    std::uint64_t resumes = 0;
    std::uint64_t resumes_recovered = 0;
    std::uint64_t polls_relayed = 0;
};

class Group final : private StreamsOutlet {
public:
    Group(GroupConfig config, GroupOutlet& outlet, Time now);

    // This node's shards and its desk.
    void on_want(Holder holder, Bucket bucket, Ticket ticket);
    void on_release(Holder holder, Bucket bucket, Time now);
    void on_local(const BroadcastRef& broadcast, Time now);
    // A client has joined the topic, of which the bucket is live, and wants to know what it missed.
    // Answered by resumed(), now or when the peers have said what they keep.
    void on_resume(Holder holder, Ticket ticket, std::string_view topic, const Since& since,
                   Time now);
    // A client polls for a session of another node. Answered by poll_answered().
    void on_poll(Holder holder, std::uint64_t id, const PollRequest& request, Time now);
    void answer_poll(const std::string& route, std::uint64_t serial, const PollAnswer& answer);

    // For what this node's backends decide.
    void set_offer(std::vector<BackendLane> lanes);
    // A backend of the peer is to decide. Answered by backend_decided(), or not at all. False if it
    // cannot be reached.
    bool ask_backend(Incarnation peer, const control::Asked& asked);
    void answer_backend(const std::string& route, std::uint64_t serial,
                        const backend::Outcome& outcome);

    // For the desk. The peer is to do what the request says, and to count; answered by delivered()
    // with the request's id, or not at all. False if it cannot be reached.
    bool ask_delivery(Incarnation peer, const control::Request& request);
    void answer_delivery(const std::string& route, std::uint64_t serial,
                         const DeliveryCounts& counts);
    std::vector<Incarnation> view() const;
    std::optional<Incarnation> peer_named(std::string_view name) const;

    // The network.
    void on_subscription(std::string_view key);
    void on_published(std::string_view bytes, Time now);
    // `seen_host` is the address the message came from.
    void on_call(const std::string& route, const std::string& seen_host, std::string_view bytes,
                 Time now);
    void on_answer(ContactId contact, std::string_view bytes, Time now);
    void on_beacon(const std::string& seen_host, std::string_view datagram, Time now);
    // Who cannot be let in, and is to be shown: a contact whose handshake failed, a beacon that is
    // not believed, a caller that was turned away.
    void on_handshake_failed(ContactId contact, const std::string& reason, Time now);
    void on_doubtful_beacon(const std::string& seen_host, std::string_view datagram,
                            const std::string& reason, Time now);
    void on_caller_not_admitted(const std::string& seen_host, const std::string& reason, Time now);
    // The same, of a caller that may be let in with its other key.
    void on_caller_turned_away(const std::string& seen_host, const std::string& reason, Time now);
    // The SUB socket has (again) a connection to this publisher: what was sent meanwhile is lost.
    void on_link(const Endpoint& publisher, Time now);

    Time next_deadline() const { return next_tick_; }
    void tick(Time now);
    void end_of_turn(Time now);
    // The node stops: says so to everyone, and nothing more after that.
    void say_goodbye();

    const GroupConfig& config() const { return config_; }
    std::size_t peers_in_view() const;
    std::vector<control::NodeRow> nodes(Time now) const;
    const GroupCounters& counters() const { return counters_; }
    const StreamCounters& stream_counters() const { return streams_.counters(); }
    const History& history() const { return history_; }
    const RepairBuffer& repair_buffer() const { return repair_; }
    // For tests: everything that is kept about others.
    std::size_t kept() const {
        return peers_.size() + contacts_.size() + refused_callers_.size() + turned_away_.size() +
               fences_.size() + streams_.size() + fetches_.size() + polls_.size();
    }

private:
    enum class ContactState { calling, met, itself, alias, refused };
    struct Contact {
        Endpoint router;
        bool is_configured = false;
        ContactState state = ContactState::calling;
        Incarnation incarnation = 0;  // met, alias
        std::optional<Endpoint> publisher;
        std::string name, reason;
        Time since{};
        Time answered{};
        Time next_hello{};
        bool was_up = false;
        bool is_urgent = false;  // it has called with a new incarnation: call it without delay
        std::size_t key = 0;
        std::size_t keys_failed = 0;    // in a row
        std::optional<Time> reopening;  // its socket is of no use any more
    };
    struct Peer {
        std::string name;
        ContactId contact = 0;
        Time heard{};
        Time since{};
        bool is_up = false;  // its link has been proved once: it is in view
        bool is_silent = false;
        group::FenceId link;          // the fence that is to prove the link, serial 0 if none
        std::uint64_t heartbeat = 0;  // the number of the last one
        // It is to be asked where its streams stand: something of them may have been lost.
        bool wants_marks = false;
        bool proves_link_after_marks = false;
        std::uint64_t marks_round = 0;
        std::size_t open_answers = 0;  // of the round
        Time marks_asked{};
        bool is_repairing = false;  // a request is on its way
        Time repair_asked{};
        std::uint64_t offer = 0;  // the last one that it was told
        Time offer_told{};
    };
    struct Resuming {
        Holder holder;
        Ticket ticket;
        Since since;
    };
    // The peers are asked what they keep of a topic.
    struct Fetch {
        std::string topic;
        HistoryLimit limit;
        std::set<Incarnation> awaited;
        std::vector<Resuming> waiters;
        bool is_partial = false;  // a peer in view could not be asked
        bool is_early = false;    // nobody has been asked yet: the node has just started
        std::uint64_t view = 0;
        Time deadline{};
    };
    // What this node knows of an origin's messages of a topic.
    struct Known {
        std::uint64_t last = 0;
        History::Floor floor;
    };
    // A client's request that a peer is to answer.
    struct Poll {
        Incarnation incarnation = 0;
        Holder holder;
        std::uint64_t id = 0;
        Time deadline{};
    };
    struct RefusedCaller {
        std::string name, reason;
        Time since{};
        Time seen{};
    };

    struct TurnedAway {
        Time since{};
        Time seen{};
    };

    // group_refusals.cpp: who is not let in.
    void reopen_contacts(Time now);
    void forget_refusals(Time now);
    void show_refused(const Endpoint& router, const std::string& name, const std::string& reason,
                      Time now);

    // group_roster.cpp: who is in the group.
    group::Identity identity() const;
    // Nothing if there are too many already.
    std::optional<ContactId> add_contact(const Endpoint& router, bool is_configured, Time now);
    void drop_contact(ContactId contact);
    void release_publisher(Contact& contact);
    void call(ContactId contact, Time now);
    void on_hello(const std::string& route, const std::string& seen_host,
                  const group::Identity& caller, Time now);
    void on_welcome(ContactId contact, const group::Identity& node, Time now);
    void on_refusal(ContactId contact, const std::string& reason, Time now);
    std::optional<std::string> objection_to(const group::Identity& node,
                                            const Endpoint& router) const;
    void refuse_caller(const std::string& route, const Endpoint& router, const std::string& name,
                       const std::string& reason, Time now);
    void bury_former(const std::string& name, ContactId contact, Incarnation present, Time now);
    void meet(ContactId contact, const group::Identity& node, Time now);
    void prove_link(Incarnation incarnation, Time now);
    void bury(Incarnation incarnation, FactKind why, const std::string& reason, Time now);
    void on_heartbeat(const group::Heartbeat& heartbeat, Time now);
    void check_silence(Time now);
    void call_contacts(Time now);
    void send_beacon(bool goodbye);
    std::optional<ContactId> find_contact(const Endpoint& router) const;

    // group.cpp: interest, fences, broadcasts.
    void on_broadcast(const BroadcastRef& broadcast, Time now);
    void deliver(const BroadcastRef& broadcast) override;
    void on_gap(const Gap& gap) override;
    void on_fence_answer(const group::FenceAnswer& answer, Time now);
    void finish(const Fence& fence);
    void expire_fences(Time now);
    void keep(const BroadcastRef& broadcast);
    std::string name_of(Incarnation incarnation) const;

    // group_repair.cpp: where streams stand, and what is sent again.
    void ask_marks(Incarnation incarnation, Time now);
    void on_where(const std::string& route, const group::Where& where);
    void on_marks(Incarnation incarnation, const group::Marks& marks, Time now);
    void set_bases(Incarnation incarnation, const std::vector<Bucket>& buckets,
                   const std::vector<group::StreamMark>& marks, Time now);
    void confirm_hearsay(const Origin& origin, Bucket bucket, Time now);
    void ask_repair(Incarnation incarnation, Time now);
    void on_repair(const std::string& route, const group::Repair& repair);
    void on_repaired(Incarnation incarnation, const group::Repaired& repaired, Time now);
    void tick_repairs(Time now);

    // group_resume.cpp: history, and the clients that come back.
    HistoryLimit limit_of(std::string_view topic) const;
    std::map<Origin, Known> known_origins(std::string_view topic, const HistoryLimit& limit) const;
    Replay replay(std::string_view topic, const Since& since, bool is_partial, Time now) const;
    bool needs_fetch(std::string_view topic, const Since& since, const Replay& found,
                     Time now) const;
    bool sees_all_it_knows() const;
    bool is_settled(Time now) const;
    void fetch(std::string_view topic, const HistoryLimit& limit, Resuming waiter, Time now);
    void ask_peers(std::uint64_t serial, Time now);
    void finish_fetch(std::uint64_t serial, Time now);
    void stop_awaiting(Incarnation incarnation, Time now);
    void expire_fetches(Time now);
    void answer_resume(const Resuming& waiter, Replay replay);
    void on_history_question(const std::string& route, const group::HistoryQuestion& question,
                             Time now);
    void on_history_answer(Incarnation incarnation, const group::HistoryAnswer& answer, Time now);
    void take_history(const Fetch& fetch, const group::HistoryAnswer& answer, Time now);

    // group_polls.cpp: clients whose session is on another node.
    void on_poll_question(const std::string& route, const group::PollQuestion& question);
    void on_poll_reply(Incarnation incarnation, const group::PollReply& reply);
    void end_polls(Incarnation incarnation);
    void expire_polls(Time now);

    // group_handlers.cpp: backends of other nodes.
    void tell_offers(Time now);
    void on_offer(const group::Offer& offer);
    void on_backend_question(const std::string& route, const group::BackendQuestion& question);
    void on_backend_reply(Incarnation incarnation, const group::BackendReply& reply);

    // group_directed.cpp: what is for some clients only.
    void on_delivery_question(const std::string& route, const group::DeliveryQuestion& question);

    GroupConfig config_;
    GroupOutlet& outlet_;
    Interest interest_;
    Fences fences_;
    Streams streams_;
    Moved moved_;
    RepairBuffer repair_;
    History history_;
    bool has_history_;
    Dedup dedup_;
    std::map<std::uint64_t, Fetch> fetches_;
    std::uint64_t last_fetch_ = 0;
    std::map<std::uint64_t, Poll> polls_;
    std::uint64_t last_poll_ = 0;
    std::vector<BackendLane> offer_;
    std::uint64_t offer_number_ = 0;  // 0: there was none yet
    std::uint64_t view_ = 1;          // grows when a peer comes into view
    std::uint64_t heartbeat_ = 0;
    std::uint64_t marks_round_ = 0;
    std::vector<Bucket> fresh_;
    std::map<Incarnation, Peer> peers_;
    std::map<ContactId, Contact> contacts_;
    std::map<Endpoint, ContactId> by_router_;
    std::map<Endpoint, RefusedCaller> refused_callers_;
    std::map<std::string, TurnedAway> turned_away_;  // by host
    ContactId last_contact_ = 0;
    GroupCounters counters_;
    bool has_left_ = false;
    Time started_;
    Time next_tick_;
    Time last_tick_;
    Time now_;  // of the event that is being handled
    Time next_heartbeat_;
    Time next_beacon_;
};

}  // namespace roost
