// desk: the clients of the control socket: `roost`, and backends.
//
// It answers requests, publishes as an origin of its own, and holds interest for its subscribers
// as a shard does for its channels. It lives in the fabric's loop, beside the Group. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/dedup.hpp"
#include "daemon/core/event_desk.hpp"
#include "daemon/core/group.hpp"
#include "daemon/core/handlers.hpp"
#include "daemon/core/local_interest.hpp"
#include "daemon/core/numbering.hpp"
#include "proto/control.hpp"
#include "proto/json.hpp"

namespace roost {

class DeskOutlet {
public:
    virtual ~DeskOutlet() = default;
    // False if the client is gone or does not read: nothing was sent.
    virtual bool to_client(const std::string& route, std::string_view bytes) = 0;
    virtual void to_shards(const BroadcastRef& broadcast) = 0;
    // Each shard answers through on_topics.
    virtual void ask_topics(std::uint64_t question) = 0;
    // Each shard answers through on_delivered.
    virtual void ask_delivery(std::uint64_t, const DeliveryRef&) {}
    virtual void note(const Fact& fact) = 0;
};

struct DeskConfig {
    std::string version;
    std::size_t shards = 1;
    std::size_t message_bytes_max = 1'000'000;
    Duration client_silence_max = std::chrono::seconds(20);
};

class Desk {
public:
    // What backends say goes to the handlers. `holder` is the desk's place in the group's interest,
    // and its shard number as an origin.
    Desk(DeskConfig config, Holder holder, Group& group, DeskOutlet& outlet, Time now,
         Handlers* handlers = nullptr, EventDesk* events = nullptr);

    void on_request(const std::string& route, std::string_view bytes, Time now);
    // The same, of the HTTP API, whose routes do not fall silent.
    void on_api(const std::string& route, const control::Request& request, Time now);
    // From this node's shards, and from peers.
    void on_broadcast(const BroadcastRef& broadcast, Time now);
    void on_live(Bucket bucket, Ticket ticket);
    void on_topics(std::uint64_t question, const std::vector<control::TopicRow>& rows);
    // A peer's client of the control socket wants this done here: Group::answer_delivery().
    void on_delivery_asked(const std::string& route, const control::Request& request, Time now);
    void on_delivered(std::uint64_t question, const DeliveryCounts& counts);
    void on_peer_delivered(Incarnation peer, std::uint64_t question, const DeliveryCounts& counts);
    // What a backend has answered to an Ask.
    void on_decided(std::uint64_t asked, backend::Outcome outcome, Time now);
    void tick(Time now);

    std::size_t client_count() const { return clients_.size(); }
    std::uint64_t deduplicated() const { return deduplicated_; }

private:
    using StreamId = std::pair<std::string, std::uint64_t>;  // route, request
    struct Stream {
        std::set<std::string, std::less<>> topics;
        std::set<Bucket> awaited;
        std::uint64_t missed = 0;
        bool is_answered = false;
    };
    struct Question {
        StreamId asker;
        std::size_t open_answers = 0;
        std::map<std::string, std::uint64_t> channels;
    };

    void handle(const StreamId& id, const control::Ping& ping, Time now);
    void handle(const StreamId& id, const control::Publish& publish, Time now);
    void handle(const StreamId& id, const control::Subscribe& subscribe, Time now);
    void handle(const StreamId& id, const control::Unsubscribe& unsubscribe, Time now);
    void handle(const StreamId& id, const control::Nodes& nodes, Time now);
    void handle(const StreamId& id, const control::Topics& topics, Time now);
    void handle(const StreamId& id, const control::Handle& handle, Time now);
    void handle(const StreamId& id, const control::Unhandle& unhandle, Time now);
    void handle(const StreamId& id, const control::Respond& respond, Time now);
    void handle(const StreamId& id, const control::Events& events, Time now);
    void handle(const StreamId& id, const control::Sessions& sessions, Time now);
    // desk_publish.cpp
    // What shards and peers are doing and will have counted.
    struct Delivering {
        StreamId asker;
        std::string route;  // of a peer that asks
        std::size_t shards = 0;
        std::set<Incarnation> peers;
        DeliveryCounts counts;
        std::variant<control::PublishedMany, control::Kicked> answer;
        Time deadline{};
    };
    using Deliveries = std::map<std::uint64_t, Delivering>;
    void handle(const StreamId& id, const control::PublishMany& publish, Time now);
    void handle(const StreamId& id, const control::Kick& kick, Time now);
    std::optional<control::Refused> why_not(const control::Publish& publish) const;
    void refuse_busy(const StreamId& id);
    void deliver_local(const control::PublishMany& publish);
    std::set<Incarnation> reach(const std::vector<Incarnation>& peers,
                                decltype(control::Request::verb) verb);
    void ask_peers(Delivering work, const std::vector<Incarnation>& peers,
                   decltype(control::Request::verb) verb);
    void ask_shards(Delivering work, Delivery delivery);
    static void add_counts(Delivering& work, const DeliveryCounts& counts);
    void finish_if_done(Deliveries::iterator at);
    void expire_deliveries(Time now);
    // The position; empty if it has been published before.
    std::string publish_one(const control::Publish& publish, const std::optional<SessionId>& except,
                            Time now);
    // Shorter than `roost` waits for its answer.
    static constexpr Duration delivery_wait = std::chrono::seconds(4);

    void handle(const StreamId& id, const control::Ask& ask, Time now);
    void act(const std::string& topic, const backend::Action& action, Time now);
    void refuse(const StreamId& id, const std::string& code, const std::string& text);
    void answer(const StreamId& id, decltype(control::Answer::body) body);
    void deliver(const control::Message& message);
    void deliver(const Broadcast& broadcast);
    void answer_if_live(const StreamId& id, Stream& stream);
    void end_stream(const StreamId& id, Time now);

    DeskConfig config_;
    Holder holder_;
    Group& group_;
    DeskOutlet& outlet_;
    Handlers* handlers_;
    EventDesk* events_;
    Numbering numbering_;
    mutable JsonReader json_;  // it keeps room for what it reads
    Dedup dedup_;
    std::uint64_t deduplicated_ = 0;
    LocalInterest interest_;
    std::map<StreamId, Stream> streams_;
    std::map<std::string, std::set<StreamId>, std::less<>> by_topic_;
    std::map<std::string, Time> clients_;
    std::map<std::uint64_t, Question> questions_;
    std::uint64_t last_question_ = 0;
    Deliveries deliveries_;
    std::uint64_t last_delivery_ = 0;
    std::map<std::uint64_t, std::pair<StreamId, std::string>> asked_;  // with the topic
    std::uint64_t last_asked_ = 0;
    Time started_;
};

}  // namespace roost
