#include "daemon/fabric.hpp"

namespace roost {

namespace {
constexpr Duration tick_interval = std::chrono::milliseconds(50);

// Routes of the control socket that begin with a NUL are ZeroMQ's own, and have 5 bytes.
constexpr std::string_view api_route("\0roost-api ", 11);

std::string api_route_of(Holder holder) {
    return std::string(api_route) + std::to_string(holder);
}
}  // namespace

Fabric::Fabric(Loop& loop, zmq::context_t& context, const FabricConfig& config, Board& board,
               FactLog& facts)
    : loop_(loop),
      desk_holder_(static_cast<Holder>(config.desk.shards)),
      board_(board),
      facts_(facts),
      mailbox_(loop),
      sockets_(loop, context, config.listen, config.keys, config.queue_bytes_max, events()),
      control_(loop, context, config.control,
               [this](const std::string& route, std::string_view bytes) {
                   desk_.on_request(route, bytes, loop_.now());
               }),
      seal_(config.keys),
      group_(config.group, *this, loop.now()),
      handlers_(config.handlers, *this, loop.now()),
      event_desk_(config.events, config.group.incarnation, config.group.name,
                  [this](const std::string& route, const control::Answer& answer) {
                      // Whoever does not read asks again, after its cursor.
                      (void)to_client(route, control::encode(answer));
                  }),
      desk_(config.desk, desk_holder_, group_, *this, loop.now(), &handlers_, &event_desk_) {
    if (config.group.beacon) {
        beacon_.emplace(
            loop, config.beacon,
            [this](const std::string& host, std::string_view bytes) { on_beacon(host, bytes); });
    }
    loop_.at_end_of_turn([this] { return take_turn(); });
    loop_.every(tick_interval, [this] { tick(); });
}

GroupSocketEvents Fabric::events() {
    GroupSocketEvents on;
    on.on_subscription = [this](std::string_view key) { group_.on_subscription(key); };
    on.on_published = [this](std::string_view bytes) { group_.on_published(bytes, loop_.now()); };
    on.on_call = [this](const std::string& route, const std::string& host, std::string_view bytes) {
        group_.on_call(route, host, bytes, loop_.now());
    };
    on.on_answer = [this](ContactId contact, std::string_view bytes) {
        group_.on_answer(contact, bytes, loop_.now());
    };
    on.on_link = [this](const Endpoint& publisher) { group_.on_link(publisher, loop_.now()); };
    on.on_handshake_failed = [this](ContactId contact, const std::string& reason) {
        group_.on_handshake_failed(contact, reason, loop_.now());
    };
    on.on_not_admitted = [this](const std::string& host) {
        group_.on_caller_not_admitted(host, "its key is none of the group's", loop_.now());
    };
    on.on_turned_away = [this](const std::string& host, const std::string& reason) {
        facts_.note({FactKind::caller_turned_away, reason, host, 0});
        if (!host.empty()) group_.on_caller_turned_away(host, reason, loop_.now());
    };
    return on;
}

void Fabric::on_beacon(const std::string& host, std::string_view bytes) {
    const auto opened = seal_.open(bytes);
    if (opened.objection.empty()) return group_.on_beacon(host, opened.beacon, loop_.now());
    group_.on_doubtful_beacon(host, opened.beacon, std::string(opened.objection), loop_.now());
}

bool Fabric::take_turn() {
    bool is_busy = mailbox_.drain([this](FabricLetter& letter) { on_letter(letter); });
    is_busy |= sockets_.service();
    is_busy |= control_.service();
    group_.end_of_turn(loop_.now());
    for (const auto& [bucket, ticket] : std::exchange(live_for_desk_, {})) {
        desk_.on_live(bucket, ticket);
        is_busy = true;
    }
    return is_busy;
}

void Fabric::on_letter(FabricLetter& letter) {
    if (const auto* broadcast = std::get_if<BroadcastRef>(&letter)) {
        group_.on_local(*broadcast, loop_.now());
        desk_.on_broadcast(*broadcast, loop_.now());
    } else if (const auto* wanted = std::get_if<BucketWanted>(&letter)) {
        group_.on_want(wanted->holder, wanted->bucket, wanted->ticket);
    } else if (const auto* released = std::get_if<BucketReleased>(&letter)) {
        group_.on_release(released->holder, released->bucket, loop_.now());
    } else if (const auto* wish = std::get_if<ResumeWanted>(&letter)) {
        group_.on_resume(wish->holder, wish->ticket, wish->topic, wish->since, loop_.now());
    } else if (const auto* topics = std::get_if<TopicsAnswer>(&letter)) {
        desk_.on_topics(topics->question, topics->rows);
    } else if (const auto* poll = std::get_if<PollForwarded>(&letter)) {
        if (poll->request.token.home.incarnation == group_.config().incarnation) {
            ask_shard({poll->holder, {}, poll->id}, poll->request);
        } else {
            group_.on_poll(poll->holder, poll->id, poll->request, loop_.now());
        }
    } else if (const auto* answered = std::get_if<PollAnswered>(&letter)) {
        const auto& [holder, route, id] = answered->to;
        if (route.empty()) return poll_answered(holder, id, answered->answer);
        group_.answer_poll(route, id, answered->answer);
    } else if (auto* asked = std::get_if<BackendAsked>(&letter)) {
        handlers_.on_request(asked->asker, std::move(*asked->request), loop_.now());
    } else if (const auto* asked_by_http = std::get_if<ApiAsked>(&letter)) {
        desk_.on_api(api_route_of(asked_by_http->holder), *asked_by_http->request, loop_.now());
    } else if (const auto* counted = std::get_if<DeliveryCounted>(&letter)) {
        desk_.on_delivered(counted->question, counted->counts);
    } else if (const auto* taken_back = std::get_if<BackendTakenBack>(&letter)) {
        handlers_.on_cancel(taken_back->asker);
    } else if (auto* happened = std::get_if<Happened>(&letter)) {
        event_desk_.on_happenings(std::move(happened->happenings), loop_.now());
    } else {
        group_.say_goodbye();
    }
}

void Fabric::tick() {
    group_.tick(loop_.now());
    desk_.tick(loop_.now());
    handlers_.tick(loop_.now());
    group_.set_offer(handlers_.offered());
    event_desk_.tick(loop_.now());
    FabricFigures figures;
    figures.peers = group_.peers_in_view();
    figures.control_clients = desk_.client_count();
    figures.group = group_.counters();
    figures.streams = group_.stream_counters();
    figures.repair_buffer_bytes = group_.repair_buffer().bytes();
    figures.history_bytes = group_.history().bytes();
    figures.history_messages = group_.history().size();
    figures.history_topics = group_.history().topic_count();
    figures.history_evicted = group_.history().counters().evicted;
    figures.workers = handlers_.worker_count();
    figures.backend_waiting = handlers_.waiting_count();
    figures.backend_outstanding = handlers_.outstanding_count();
    figures.handlers = handlers_.counters();
    figures.deduplicated = desk_.deduplicated();
    figures.queued_bytes = sockets_.queued_bytes();
    figures.broadcasts_shed = sockets_.broadcasts_shed();
    figures.broadcasts_skipped = sockets_.broadcasts_skipped();
    figures.events = event_desk_.log().last();
    figures.events_dropped = event_desk_.log().dropped();
    figures.event_consumers = event_desk_.consumers();
    board_.post(figures);
}

void Fabric::open_contact(ContactId contact, const Endpoint& router, std::size_t key) {
    sockets_.open_contact(contact, router, key);
}
void Fabric::close_contact(ContactId contact) {
    sockets_.close_contact(contact);
}
bool Fabric::to_contact(ContactId contact, std::string_view bytes) {
    return sockets_.to_contact(contact, bytes);
}
bool Fabric::answer(const std::string& route, std::string_view bytes) {
    return sockets_.answer(route, bytes);
}
void Fabric::listen_to(const Endpoint& publisher, std::size_t key) {
    sockets_.listen_to(publisher, key);
}
void Fabric::stop_listening_to(const Endpoint& publisher) {
    sockets_.stop_listening_to(publisher);
}
void Fabric::subscribe(std::string_view key) {
    sockets_.subscribe(key);
}
void Fabric::unsubscribe(std::string_view key) {
    sockets_.unsubscribe(key);
}
void Fabric::publish(std::string_view bytes) {
    sockets_.publish(bytes);
}

void Fabric::broadcast(const BroadcastRef& broadcast) {
    if (sockets_.broadcast(broadcast)) return;
    facts_.note({FactKind::queue_overflow, "group", {}, 1});
}

void Fabric::send_beacon(std::string_view datagram) {
    if (beacon_) beacon_->send(seal_.seal(datagram));
}

void Fabric::to_shard(std::size_t shard, const BroadcastRef& broadcast) {
    if (!shards_[shard]->put(broadcast)) {
        facts_.note({FactKind::queue_overflow, "shard", {}, 1});
    }
}

void Fabric::to_holder(Holder holder, const BroadcastRef& broadcast) {
    if (holder == desk_holder_) return desk_.on_broadcast(broadcast, loop_.now());
    to_shard(holder, broadcast);
}

void Fabric::to_holder(Holder holder, const Gap& gap) {
    // Control clients know no positions: they see the gap in /metrics and in the journal.
    if (holder != desk_holder_) shards_[holder]->insist(gap);
}

void Fabric::resumed(Holder holder, Ticket ticket, Replay replay) {
    shards_[holder]->insist(Resumed{ticket, std::move(replay)});
}

void Fabric::live(Holder holder, Bucket bucket, Ticket ticket) {
    if (holder == desk_holder_) {
        live_for_desk_.emplace_back(bucket, ticket);
    } else {
        shards_[holder]->insist(BucketLive{bucket, ticket});
    }
}

void Fabric::ask_shard(const PollReturn& from, const PollRequest& request) {
    const std::size_t shard = request.token.home.shard;
    if (shard < shards_.size()) return shards_[shard]->insist(PollAsked{from, request});
    const auto gone = poll_answer(PollAnswer::gone);
    if (from.route.empty()) return poll_answered(from.holder, from.id, gone);
    group_.answer_poll(from.route, from.id, gone);
}

void Fabric::poll_asked(const std::string& route, std::uint64_t serial,
                        const PollRequest& request) {
    ask_shard({0, route, serial}, request);
}

void Fabric::poll_answered(Holder holder, std::uint64_t id, const PollAnswer& answer) {
    shards_[holder]->insist(PollDelivered{id, answer});
}

void Fabric::backend_offered(Incarnation peer, const std::vector<BackendLane>& lanes) {
    handlers_.on_offer(peer, lanes, loop_.now());
}
void Fabric::backend_asked(const std::string& route, const control::Asked& asked) {
    handlers_.on_request({0, asked.request, route}, asked.about, loop_.now());
}
void Fabric::backend_decided(Incarnation peer, std::uint64_t serial,
                             const backend::Outcome& outcome) {
    handlers_.on_peer_decided(peer, serial, outcome, loop_.now());
}

void Fabric::backend_answered(const BackendAsker& asker, backend::Outcome outcome) {
    if (!asker.route.empty()) return group_.answer_backend(asker.route, asker.id, outcome);
    if (asker.holder == desk_holder_) {
        return desk_.on_decided(asker.id, std::move(outcome), loop_.now());
    }
    shards_[asker.holder]->insist(
        BackendAnswered{asker.id, std::make_unique<backend::Outcome>(std::move(outcome))});
}

bool Fabric::to_client(const std::string& route, std::string_view bytes) {
    if (route.starts_with(api_route)) {
        const auto shard = std::stoul(route.substr(api_route.size()));
        shards_[shard]->insist(ApiAnswered{std::string(bytes)});
        return true;
    }
    return control_.send(route, bytes);
}

void Fabric::to_shards(const BroadcastRef& broadcast) {
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) to_shard(shard, broadcast);
}

void Fabric::ask_topics(std::uint64_t question) {
    for (auto* shard : shards_) shard->insist(TopicsQuestion{question});
}

void Fabric::ask_delivery(std::uint64_t question, const DeliveryRef& delivery) {
    for (auto* shard : shards_) shard->insist(DeliveryWanted{question, delivery});
}

void Fabric::delivery_asked(const std::string& route, const control::Request& request) {
    desk_.on_delivery_asked(route, request, loop_.now());
}

void Fabric::delivered(Incarnation peer, std::uint64_t question, const DeliveryCounts& counts) {
    desk_.on_peer_delivered(peer, question, counts);
}

}  // namespace roost
