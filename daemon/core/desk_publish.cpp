// The part of Desk that publishes much at once, and to some only; and that closes connections.
#include <algorithm>

#include "daemon/core/desk.hpp"
#include "proto/client_binary.hpp"

namespace roost {

namespace {
constexpr std::size_t deliveries_max = 10'000;
}

std::optional<control::Refused> Desk::why_not(const control::Publish& publish) const {
    using control::Refused;
    if (publish.payload.size() > config_.message_bytes_max) {
        return Refused{"too_big", "the payload has " + std::to_string(publish.payload.size()) +
                                      " bytes; the node takes " +
                                      std::to_string(config_.message_bytes_max)};
    }
    if (publish.event.starts_with("phx_")) {
        return Refused{"bad_request", "events that begin with phx_ are the protocol's own"};
    }
    if (publish.is_binary) {
        if (std::max(publish.topic.size(), publish.event.size()) > binary_name_bytes_max) {
            return Refused{"bad_request",
                           "with a payload of bytes topic and event are at most 255 bytes long"};
        }
    } else if (!is_json_object(publish.payload) || !json_.is_valid(publish.payload)) {
        return Refused{"bad_payload",
                       "the payload must be a JSON object, as in {\"body\":\"hi\"}, or bytes"};
    }
    return std::nullopt;
}

void Desk::handle(const StreamId& id, const control::PublishMany& publish, Time now) {
    for (std::size_t i = 0; i < publish.messages.size(); ++i) {
        auto no = why_not(publish.messages[i]);
        if (!no) continue;
        const std::string place = publish.messages.size() == 1
                                      ? std::string()
                                      : "message " + std::to_string(i + 1) + " of " +
                                            std::to_string(publish.messages.size()) + ": ";
        return refuse(id, no->code, place + no->text);
    }
    if (deliveries_.size() >= deliveries_max) return refuse_busy(id);
    Delivering work{
        id, {}, 0, {}, DeliveryCounts(publish.messages.size()), {}, now + delivery_wait};
    control::PublishedMany published;
    for (const auto& message : publish.messages) {
        published.results.push_back({message.topic, "", 0, false});
    }
    if (publish.is_numbered()) {
        published.peers = group_.peers_in_view();
        for (std::size_t i = 0; i < publish.messages.size(); ++i) {
            auto& row = published.results[i];
            row.position = publish_one(publish.messages[i], publish.except, now);
            row.is_duplicate = row.position.empty();
        }
        work.answer = std::move(published);
        return ask_shards(std::move(work), {publish, true});
    }
    control::PublishMany local = publish;
    local.scope = control::Scope::local;
    local.node.clear();
    if (publish.to) {
        // The node of a session knows it: to that node it is the same request.
        const Incarnation home = publish.to->home.incarnation;
        local.scope = control::Scope::group;
        work.answer = std::move(published);
        if (home == group_.config().incarnation) return ask_shards(std::move(work), {local});
        return ask_peers(std::move(work), {home}, local);
    }
    if (publish.scope == control::Scope::node && publish.node != group_.config().name) {
        const auto peer = group_.peer_named(publish.node);
        if (!peer) {
            return refuse(
                id, "no_node",
                "no node of the group in view has the name " + publish.node + " (see roost nodes)");
        }
        work.answer = std::move(published);
        return ask_peers(std::move(work), {*peer}, local);
    }
    work.answer = std::move(published);
    deliver_local(local);
    // Of a user all nodes may have connections.
    if (publish.scope == control::Scope::group) work.peers = reach(group_.view(), local);
    std::get<control::PublishedMany>(work.answer).peers = work.peers.size();
    ask_shards(std::move(work), {local});
}

void Desk::handle(const StreamId& id, const control::Kick& kick, Time now) {
    if (deliveries_.size() >= deliveries_max) return refuse_busy(id);
    Delivering work{id, {}, 0, {}, DeliveryCounts(1), control::Kicked{}, now + delivery_wait};
    const Incarnation home = kick.session.home.incarnation;
    if (home == group_.config().incarnation) return ask_shards(std::move(work), {kick});
    ask_peers(std::move(work), {home}, kick);
}

void Desk::refuse_busy(const StreamId& id) {
    refuse(id, "busy", "too many requests wait for their answer: send them more slowly");
}

// The subscribers of the control socket hear what is for everybody on this node.
void Desk::deliver_local(const control::PublishMany& publish) {
    if (publish.to || !publish.to_user.empty()) return;
    for (const auto& message : publish.messages) {
        deliver(control::Message{message.topic, message.event, message.payload, "", 0,
                                 message.is_binary});
    }
}

std::set<Incarnation> Desk::reach(const std::vector<Incarnation>& peers,
                                  decltype(control::Request::verb) verb) {
    const control::Request request{last_delivery_ + 1, std::move(verb)};
    std::set<Incarnation> reached;
    for (const Incarnation peer : peers) {
        if (group_.ask_delivery(peer, request)) reached.insert(peer);
    }
    return reached;
}

void Desk::ask_peers(Delivering work, const std::vector<Incarnation>& peers,
                     decltype(control::Request::verb) verb) {
    work.peers = reach(peers, std::move(verb));
    if (auto* published = std::get_if<control::PublishedMany>(&work.answer)) {
        published->peers = work.peers.size();
    }
    finish_if_done(deliveries_.emplace(++last_delivery_, std::move(work)).first);
}

void Desk::ask_shards(Delivering work, Delivery delivery) {
    work.shards = config_.shards;
    const auto question = ++last_delivery_;
    deliveries_.emplace(question, std::move(work));
    outlet_.ask_delivery(question, std::make_shared<const Delivery>(std::move(delivery)));
}

void Desk::on_delivery_asked(const std::string& route, const control::Request& request, Time now) {
    if (deliveries_.size() >= deliveries_max) return;  // the peer gives its request up
    Delivering work{{{}, request.id}, route, 0, {}, {}, {}, now + delivery_wait};
    if (const auto* publish = std::get_if<control::PublishMany>(&request.verb)) {
        // What a peer says is checked again: it reaches clients.
        const auto& messages = publish->messages;
        if (std::any_of(messages.begin(), messages.end(),
                        [this](const auto& message) { return why_not(message).has_value(); })) {
            return;
        }
        work.counts.resize(messages.size());
        deliver_local(*publish);
        return ask_shards(std::move(work), {*publish});
    }
    work.counts.resize(1);
    ask_shards(std::move(work), {std::get<control::Kick>(request.verb)});
}

void Desk::add_counts(Delivering& work, const DeliveryCounts& counts) {
    for (std::size_t i = 0; i < std::min(counts.size(), work.counts.size()); ++i) {
        work.counts[i] += counts[i];
    }
}

void Desk::on_delivered(std::uint64_t question, const DeliveryCounts& counts) {
    const auto found = deliveries_.find(question);
    if (found == deliveries_.end()) return;
    --found->second.shards;
    add_counts(found->second, counts);
    finish_if_done(found);
}

void Desk::on_peer_delivered(Incarnation peer, std::uint64_t question,
                             const DeliveryCounts& counts) {
    const auto found = deliveries_.find(question);
    if (found == deliveries_.end() || found->second.peers.erase(peer) == 0) return;
    add_counts(found->second, counts);
    finish_if_done(found);
}

void Desk::finish_if_done(Deliveries::iterator at) {
    Delivering& work = at->second;
    if (work.shards > 0 || !work.peers.empty()) return;
    const Delivering done = std::move(work);
    deliveries_.erase(at);
    if (!done.route.empty()) {
        return group_.answer_delivery(done.route, done.asker.second, done.counts);
    }
    auto body = done.answer;
    if (auto* published = std::get_if<control::PublishedMany>(&body)) {
        for (std::size_t i = 0; i < done.counts.size(); ++i) {
            published->results[i].channels = done.counts[i];
        }
    } else {
        std::get<control::Kicked>(body).was_there = done.counts[0] > 0;
    }
    std::visit([&](auto& known) { answer(done.asker, std::move(known)); }, body);
}

// Questions are numbered in the order of their deadlines.
void Desk::expire_deliveries(Time now) {
    while (!deliveries_.empty() && deliveries_.begin()->second.deadline <= now) {
        const Delivering late = std::move(deliveries_.begin()->second);
        deliveries_.erase(deliveries_.begin());
        if (!late.route.empty()) continue;
        refuse(late.asker, "no_answer",
               "a node has not answered in time: it may have done what was asked, or not");
    }
}

}  // namespace roost
