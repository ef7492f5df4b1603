// group_fixture: a group with an outlet that records, and peers that are played by the test.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/group.hpp"
#include "tests/unit/made.hpp"

namespace roost::test {

using namespace std::chrono_literals;

struct GroupRecorder final : GroupOutlet {
    void open_contact(ContactId id, const Endpoint& router, std::size_t key) override {
        contacts[id] = router;
        keys.push_back(key);
    }
    void close_contact(ContactId id) override { contacts.erase(id); }
    bool to_contact(ContactId id, std::string_view bytes) override {
        if (is_connected) calls.emplace_back(id, bytes);
        return is_connected;
    }
    bool answer(const std::string& route, std::string_view bytes) override {
        if (answers.size() >= answers_max) return false;
        answers.emplace_back(route, bytes);
        return true;
    }
    void listen_to(const Endpoint& publisher, std::size_t key) override {
        publishers.push_back(publisher);
        listening_key = key;
    }
    void stop_listening_to(const Endpoint& publisher) override {
        std::erase(publishers, publisher);
    }
    void subscribe(std::string_view key) override { subscriptions.emplace_back(key); }
    void unsubscribe(std::string_view key) override { std::erase(subscriptions, key); }
    void publish(std::string_view bytes) override { published.emplace_back(bytes); }
    void broadcast(const BroadcastRef& message) override { broadcasts.push_back(message); }
    void send_beacon(std::string_view) override {}
    void to_holder(Holder, const BroadcastRef& message) override {
        delivered.push_back(message->number());
    }
    void to_holder(Holder, const Gap& gap) override { gaps.push_back(gap); }
    void live(Holder, Bucket bucket, Ticket ticket) override { lives.emplace_back(bucket, ticket); }
    void resumed(Holder, Ticket ticket, Replay replay) override {
        replays[ticket] = std::move(replay);
    }
    void poll_asked(const std::string& route, std::uint64_t serial,
                    const PollRequest& request) override {
        polls_asked.push_back({route, serial, request});
    }
    void poll_answered(Holder, std::uint64_t id, const PollAnswer& answer) override {
        polls_answered.emplace_back(id, answer);
    }
    void note(const Fact& fact) override { ++facts[fact.kind]; }

    std::map<ContactId, Endpoint> contacts;
    std::vector<std::pair<ContactId, std::string>> calls;
    std::vector<std::pair<std::string, std::string>> answers;
    std::vector<Endpoint> publishers;
    std::vector<std::size_t> keys;  // of the contacts as they were opened
    std::size_t listening_key = 0;
    std::vector<std::string> subscriptions, published;
    std::vector<BroadcastRef> broadcasts;
    std::vector<std::pair<Bucket, Ticket>> lives;
    std::vector<std::uint64_t> delivered;
    std::vector<Gap> gaps;
    std::map<Ticket, Replay> replays;
    struct Poll {
        std::string route;
        std::uint64_t serial;
        PollRequest request;
    };
    std::vector<Poll> polls_asked;
    std::vector<std::pair<std::uint64_t, PollAnswer>> polls_answered;
    std::map<FactKind, int> facts;
    std::size_t answers_max = 100'000;  // what the ROUTER takes
    bool is_connected = true;
};

inline GroupConfig group_config(std::vector<Endpoint> peers) {
    GroupConfig made;
    made.name = "one";
    made.incarnation = 1;
    made.router_port = 7370;
    made.pub_port = 7371;
    made.peers = std::move(peers);
    made.beacon = false;
    return made;
}

inline GroupConfig with_history(std::vector<Endpoint> peers, const HistoryLimit& limit) {
    GroupConfig made = group_config(std::move(peers));
    made.rules = Rules({{"*", JoinPolicy::open, PushPolicy::broadcast, limit}});
    return made;
}

// The peer `two` has the incarnation 2 and is contact 1.
struct GroupFixture {
    explicit GroupFixture(GroupConfig config = group_config({{"10.0.0.2", 7370}}))
        : group(std::move(config), outlet, now) {}

    static group::Identity other(Incarnation incarnation = 2, const std::string& name = "two") {
        group::Identity identity;
        identity.group = "roost";
        identity.name = name;
        identity.incarnation = incarnation;
        identity.router_port = 7370;
        identity.pub_port = 7371;
        return identity;
    }
    void run_for(Duration duration) {
        for (const Time end = now + duration; now < end; now += 50ms) group.tick(now);
    }
    // While it runs, the peers' heartbeats are heard.
    void run_alive(Duration duration, std::vector<Incarnation> peers = {2}) {
        for (const Time end = now + duration; now < end; now += 50ms) {
            for (const Incarnation peer : peers) beat(peer);
            group.tick(now);
        }
    }
    void beat(Incarnation peer = 2, std::vector<group::StreamMark> moved = {}) {
        publish(group::Heartbeat{peer, false, ++heartbeats[peer], std::move(moved)});
    }
    // What a peer publishes, and what it answers to our DEALER.
    template <class T>
    void publish(const T& message) {
        group.on_published(group::encode(message), now);
    }
    template <class T>
    void reply(const T& message, ContactId contact = 1) {
        group.on_answer(contact, group::encode(message), now);
    }
    // What a peer asks our ROUTER.
    template <class T>
    void ask(const T& message, const std::string& route = "r") {
        group.on_call(route, "10.0.0.2", group::encode(message), now);
    }
    // The questions of this kind that the contact was asked, since they were last taken.
    template <class T>
    std::vector<T> take_asked(ContactId contact = 1) {
        std::vector<T> found;
        std::erase_if(outlet.calls, [&](const auto& call) {
            if (call.first != contact) return false;
            const auto message = group::decode_directed(call.second);
            REQUIRE(message);
            if (!std::holds_alternative<T>(*message)) return false;
            found.push_back(std::get<T>(*message));
            return true;
        });
        return found;
    }
    // What our ROUTER has answered, since it was last taken.
    std::vector<group::Directed> take_answers() {
        std::vector<group::Directed> found;
        for (const auto& [route, bytes] : std::exchange(outlet.answers, {})) {
            const auto message = group::decode_directed(bytes);
            REQUIRE(message);
            found.push_back(*message);
        }
        return found;
    }
    // The newest fence that is open.
    group::FenceKey fence() const {
        for (auto key = outlet.subscriptions.rbegin(); key != outlet.subscriptions.rend(); ++key) {
            if (const auto found = group::fence_of(*key)) return *found;
        }
        return {};
    }
    void answer_fence(Incarnation sender, std::vector<group::StreamMark> marks = {}) {
        publish(group::FenceAnswer{fence(), sender, std::move(marks)});
    }
    void answer_where(ContactId contact = 1, std::vector<group::StreamMark> marks = {}) {
        for (const auto& where : take_asked<group::Where>(contact)) {
            reply(group::Marks{where.round, where.buckets, marks}, contact);
        }
    }
    void meet(Incarnation incarnation = 2, ContactId contact = 1,
              std::vector<group::StreamMark> marks = {}) {
        meet(other(incarnation), contact, std::move(marks));
    }
    void meet(const group::Identity& node, ContactId contact,
              std::vector<group::StreamMark> marks = {}) {
        reply(group::Welcome{node}, contact);
        answer_where(contact, std::move(marks));
        answer_fence(node.incarnation);
    }
    // Somebody here joins the topic, and the peers say where they stand.
    void join(std::string_view topic, std::vector<Incarnation> peers = {2},
              std::vector<group::StreamMark> marks = {}) {
        group.on_want(0, bucket_of(topic), 1);
        group.end_of_turn(now);
        for (const Incarnation peer : peers) answer_fence(peer, marks);
    }
    void hear(std::uint64_t number, Incarnation incarnation = 2) {
        group.on_published(made({incarnation, 0}, number, "room:1")->wire(), now);
    }
    // Sent again, over the ROUTER.
    void hear_again(std::uint64_t number, Incarnation incarnation = 2, ContactId contact = 1) {
        group.on_answer(contact, made({incarnation, 0}, number, "room:1")->wire(), now);
    }
    void publish_here(std::uint64_t number, std::string_view topic = "room:1",
                      std::string_view payload = "{}") {
        group.on_local(made({1, 0}, number, topic, payload), now);
    }
    const Replay& resume(const Since& since, Ticket ticket = 1, std::string_view topic = "room:1") {
        outlet.replays.erase(ticket);
        group.on_resume(0, ticket, topic, since, now);
        REQUIRE(outlet.replays.contains(ticket));
        return outlet.replays.at(ticket);
    }
    bool is_waiting(Ticket ticket) const { return !outlet.replays.contains(ticket); }
    std::string state_of(const std::string& address) const {
        for (const auto& row : group.nodes(now)) {
            if (row.address == address) return row.state;
        }
        return "unknown";
    }

    GroupRecorder outlet;
    Time now{};
    std::map<Incarnation, std::uint64_t> heartbeats;
    Group group;
};

using Numbers = std::vector<std::uint64_t>;

inline Numbers numbers_of(const std::vector<BroadcastRef>& messages) {
    Numbers numbers;
    for (const auto& message : messages) numbers.push_back(message->number());
    return numbers;
}

inline constexpr auto two_address = "10.0.0.2:7370";

}  // namespace roost::test
