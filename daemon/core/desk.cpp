#include "daemon/core/desk.hpp"

namespace roost {

Desk::Desk(DeskConfig config, Holder holder, Group& group, DeskOutlet& outlet, Time now,
           Handlers* handlers, EventDesk* events)
    : config_(std::move(config)),
      holder_(holder),
      group_(group),
      outlet_(outlet),
      handlers_(handlers),
      events_(events),
      numbering_(Origin{group.config().incarnation, holder}, group.config().interest_bits),
      dedup_(group.config().dedup_window),
      started_(now) {}

void Desk::on_request(const std::string& route, std::string_view bytes, Time now) {
    clients_[route] = now;
    if (handlers_) handlers_->on_heard(route, now);
    auto request = control::decode_request(bytes);
    if (!request) {
        outlet_.note({FactKind::control_request_refused, "malformed", {}, bytes.size()});
        outlet_.to_client(route, control::encode(request.error()));
        return;
    }
    std::visit([&](const auto& verb) { handle({route, request->id}, verb, now); }, request->verb);
}

void Desk::on_api(const std::string& route, const control::Request& request, Time now) {
    std::visit([&](const auto& verb) { handle({route, request.id}, verb, now); }, request.verb);
}

void Desk::answer(const StreamId& id, decltype(control::Answer::body) body) {
    outlet_.to_client(id.first, control::encode(control::Answer{id.second, std::move(body)}));
}

void Desk::refuse(const StreamId& id, const std::string& code, const std::string& text) {
    outlet_.note({FactKind::control_request_refused, code, {}, 0});
    answer(id, control::Refused{code, text});
}

void Desk::handle(const StreamId& id, const control::Ping&, Time now) {
    const auto uptime = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
    const auto& self = group_.config();
    answer(id, control::Pong{self.name, incarnation_text(self.incarnation), self.group,
                             config_.version, static_cast<std::uint64_t>(uptime.count())});
}

void Desk::handle(const StreamId& id, const control::Publish& publish, Time now) {
    if (const auto no = why_not(publish)) return refuse(id, no->code, no->text);
    auto position = publish_one(publish, std::nullopt, now);
    const bool is_duplicate = position.empty();
    answer(id, control::Published{std::move(position), group_.peers_in_view(), is_duplicate});
}

std::string Desk::publish_one(const control::Publish& publish,
                              const std::optional<SessionId>& except, Time now) {
    if (!dedup_.admit(publish.topic, publish.message_id, now)) {
        ++deduplicated_;
        return {};
    }
    const auto broadcast = numbering_.publish({publish.topic, publish.event, publish.payload,
                                               publish.message_id, publish.is_binary, except});
    group_.on_local(broadcast, now);
    outlet_.to_shards(broadcast);
    deliver(*broadcast);
    return broadcast->position();
}

void Desk::handle(const StreamId& id, const control::Subscribe& subscribe, Time) {
    if (streams_.contains(id)) {
        return refuse(id, "bad_request",
                      "the id " + std::to_string(id.second) + " is in use by another subscription");
    }
    Stream& stream = streams_[id];
    for (const auto& topic : subscribe.topics) {
        if (!stream.topics.insert(topic).second) continue;
        by_topic_[topic].insert(id);
        const Bucket bucket = bucket_of(topic, group_.config().interest_bits);
        const auto added = interest_.add(bucket);
        if (!added.is_live) stream.awaited.insert(bucket);
        if (added.is_first) group_.on_want(holder_, bucket, added.ticket);
    }
    answer_if_live(id, stream);
}

void Desk::answer_if_live(const StreamId& id, Stream& stream) {
    if (stream.is_answered || !stream.awaited.empty()) return;
    stream.is_answered = true;
    answer(id, control::Subscribed{});
}

void Desk::on_live(Bucket bucket, Ticket ticket) {
    if (!interest_.make_live(bucket, ticket)) return;
    for (auto& [id, stream] : streams_) {
        if (stream.awaited.erase(bucket) > 0) answer_if_live(id, stream);
    }
}

void Desk::end_stream(const StreamId& id, Time now) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    for (const auto& topic : found->second.topics) {
        auto& subscribers = by_topic_[topic];
        subscribers.erase(id);
        if (subscribers.empty()) by_topic_.erase(topic);
        const Bucket bucket = bucket_of(topic, group_.config().interest_bits);
        if (interest_.remove(bucket)) group_.on_release(holder_, bucket, now);
    }
    streams_.erase(found);
}

void Desk::handle(const StreamId& id, const control::Unsubscribe& unsubscribe, Time now) {
    end_stream({id.first, unsubscribe.stream}, now);
    answer(id, control::Unsubscribed{});
}

void Desk::handle(const StreamId& id, const control::Nodes&, Time now) {
    answer(id, control::NodeList{group_.nodes(now)});
}

void Desk::handle(const StreamId& id, const control::Topics&, Time) {
    const auto question = ++last_question_;
    questions_[question] = Question{id, config_.shards, {}};
    outlet_.ask_topics(question);
}

void Desk::handle(const StreamId& id, const control::Events& events, Time now) {
    if (events_) events_->on_question(id.first, id.second, events, now);
}

void Desk::handle(const StreamId& id, const control::Sessions& sessions, Time now) {
    if (events_) events_->on_question(id.first, id.second, sessions, now);
}

void Desk::on_topics(std::uint64_t question, const std::vector<control::TopicRow>& rows) {
    const auto found = questions_.find(question);
    if (found == questions_.end()) return;
    for (const auto& row : rows) found->second.channels[row.topic] += row.channels;
    if (--found->second.open_answers > 0) return;
    control::TopicList list;
    for (const auto& [topic, channels] : found->second.channels) {
        list.topics.push_back({topic, channels});
    }
    answer(found->second.asker, std::move(list));
    questions_.erase(found);
}

void Desk::on_broadcast(const BroadcastRef& broadcast, Time now) {
    if (!dedup_.admit(broadcast->topic(), broadcast->id(), now)) {
        ++deduplicated_;
        return;
    }
    deliver(*broadcast);
}

void Desk::deliver(const Broadcast& broadcast) {
    if (!by_topic_.contains(broadcast.topic())) return;
    deliver(control::Message{std::string(broadcast.topic()), std::string(broadcast.event()),
                             std::string(broadcast.payload()), broadcast.position(), 0,
                             broadcast.is_binary()});
}

void Desk::deliver(const control::Message& message) {
    const auto subscribers = by_topic_.find(message.topic);
    if (subscribers == by_topic_.end()) return;
    for (const StreamId& id : subscribers->second) {
        Stream& stream = streams_.at(id);
        if (!stream.is_answered) continue;
        control::Message counted = message;
        counted.missed = stream.missed;
        const bool is_sent = outlet_.to_client(
            id.first, control::encode(control::Answer{id.second, std::move(counted)}));
        stream.missed = is_sent ? 0 : stream.missed + 1;
    }
}

void Desk::tick(Time now) {
    expire_deliveries(now);
    for (auto client = clients_.begin(); client != clients_.end();) {
        if (now - client->second <= config_.client_silence_max) {
            ++client;
            continue;
        }
        const std::string route = client->first;
        client = clients_.erase(client);
        std::vector<StreamId> ended;
        for (auto it = streams_.lower_bound({route, 0});
             it != streams_.end() && it->first.first == route; ++it) {
            ended.push_back(it->first);
        }
        for (const auto& id : ended) end_stream(id, now);
        if (!ended.empty()) outlet_.note({FactKind::control_client_gone, {}, {}, ended.size()});
    }
}

}  // namespace roost
