// group: this node among the others, as a machine that turns input into output.
//
// It keeps the roster (whom it knows, who is up), the node's interest, the fences by which a join
// becomes live at every node in view, and its place in the streams of the others. The fabric calls
// the on_ functions, tick() when next_deadline() has come, and end_of_turn() at the end of each
// turn of its loop. No socket, clock, thread or randomness in here.
//
// Contacts and peers: a contact is an address that may be a node. It is called (hello) until it
// answers. A peer is a living incarnation that answered. Its link is proved by a fence of its own
// before it counts as up; from then on joins wait for its fences.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/fact.hpp"
#include "daemon/core/fences.hpp"
#include "daemon/core/interest.hpp"
#include "daemon/core/streams.hpp"
#include "daemon/core/time.hpp"
#include "proto/beacon.hpp"
#include "proto/control.hpp"
#include "proto/group_wire.hpp"

namespace roost {

using ContactId = std::uint32_t;

class GroupOutlet {
public:
    virtual ~GroupOutlet() = default;
    // DEALER: one for each contact, opened with one of the group's keys (0 if there are none).
    // False if it has no connection (yet): nothing was sent.
    virtual void open_contact(ContactId contact, const Endpoint& router, std::size_t key) = 0;
    virtual void close_contact(ContactId contact) = 0;
    virtual bool to_contact(ContactId contact, std::string_view bytes) = 0;
    // ROUTER: to whoever a message came from.
    virtual void answer(const std::string& route, std::string_view bytes) = 0;
    // SUB. To listen twice to the same is to listen once.
    virtual void listen_to(const Endpoint& publisher, std::size_t key) = 0;
    virtual void stop_listening_to(const Endpoint& publisher) = 0;
    virtual void subscribe(std::string_view key) = 0;
    virtual void unsubscribe(std::string_view key) = 0;
    // XPUB.
    virtual void publish(std::string_view bytes) = 0;
    // UDP.
    virtual void send_beacon(std::string_view datagram) = 0;
    // The node's own loops.
    virtual void to_holder(Holder holder, const BroadcastRef& broadcast) = 0;
    virtual void live(Holder holder, Bucket bucket, Ticket ticket) = 0;
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
    // How long a contact that was found, not configured, is called without an answer.
    Duration forget_after = std::chrono::seconds(60);
    Duration fence_timeout = std::chrono::seconds(2);
    Duration interest_linger = std::chrono::seconds(30);
};

struct GroupCounters {
    std::uint64_t broadcasts_out = 0;
    std::uint64_t broadcasts_in = 0;
    std::uint64_t not_wanted = 0;  // of a subscribed bucket, but nobody here has a channel in it
    std::uint64_t repeated = 0;
    std::uint64_t missed = 0;
    std::uint64_t fences = 0;
    std::uint64_t fences_timed_out = 0;
};

class Group {
public:
    Group(GroupConfig config, GroupOutlet& outlet, Time now);

    // This node's shards and its desk.
    void on_want(Holder holder, Bucket bucket, Ticket ticket);
    void on_release(Holder holder, Bucket bucket, Time now);
    void on_local(const BroadcastRef& broadcast);

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
    // For tests: everything that is kept about others.
    std::size_t kept() const {
        return peers_.size() + contacts_.size() + refused_callers_.size() + fences_.size() +
               streams_.size();
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
        group::FenceId link;  // the fence that is to prove the link, serial 0 if none
    };
    struct RefusedCaller {
        std::string name, reason;
        Time since{};
        Time seen{};
    };

    // group_refusals.cpp: who is not let in.
    void reopen_contacts(Time now);
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

    // group.cpp: interest, fences, streams.
    void on_broadcast(const BroadcastRef& broadcast);
    void on_fence_answer(const group::FenceAnswer& answer, Time now);
    void finish(const Fence& fence);
    void expire_fences(Time now);
    void note_missed(Incarnation peer, std::uint64_t count);

    GroupConfig config_;
    GroupOutlet& outlet_;
    Interest interest_;
    Fences fences_;
    Streams streams_;
    Moved moved_;
    std::vector<Bucket> fresh_;
    std::map<Incarnation, Peer> peers_;
    std::map<ContactId, Contact> contacts_;
    std::map<Endpoint, RefusedCaller> refused_callers_;
    ContactId last_contact_ = 0;
    GroupCounters counters_;
    bool has_left_ = false;
    Time started_;
    Time next_tick_;
    Time last_tick_;
    Time next_heartbeat_;
    Time next_beacon_;
};

}  // namespace roost
