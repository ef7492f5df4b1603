#include "daemon/shard.hpp"

#include "daemon/core/invariant.hpp"
#include "daemon/edge/door.hpp"

namespace roost {

namespace {
constexpr Duration tick_interval = std::chrono::milliseconds(100);
}

Shard::Shard(Loop& loop, const ShardConfig& config, const Rules& rules, Door& door, Board& board,
             FactLog& facts)
    : loop_(loop),
      index_(config.index),
      board_(board),
      facts_(facts),
      mailbox_(loop),
      tokens_(config.token_keys, config.token_policy),
      clients_(
          loop, config.clients, door, tokens_,
          {[&board] { return board.is_ready.load(); },
           [&board, &facts, &door] { return board.metrics(facts) + door.metrics(); }},
          [this](PollId id, PollRequest request) {
              fabric_->insist(PollForwarded{index_, id, std::move(request)});
          },
          [this](control::Request request) {
              fabric_->insist(
                  ApiAsked{index_, std::make_unique<control::Request>(std::move(request))});
          }),
      hub_(Origin{config.incarnation, config.index}, rules, config.limits, *this, clients_,
           &tokens_) {
    clients_.attach(hub_);
    loop_.at_end_of_turn(
        [this] { return mailbox_.drain([this](ShardLetter& letter) { on_letter(letter); }); });
    loop_.at_end_of_turn([this] { return tell_happenings(); });
    loop_.before_wait([this] {
        // What a client has said at once is answered at once, though it takes several reads.
        if (clients_.is_in_the_middle() && loop_.take_turn_first()) return;
        hub_.flush();
        clients_.end_turn();
    });
    loop_.every(tick_interval, [this] { tick(); });
}

void Shard::connect(Mailbox<FabricLetter>& fabric,
                    std::vector<Mailbox<ShardLetter>*> other_shards) {
    fabric_ = &fabric;
    other_shards_ = std::move(other_shards);
}

void Shard::to_node(const BroadcastRef& broadcast) {
    // The fabric first: what a shard has seen is in the history by the time that it asks for it.
    if (!fabric_->put(broadcast)) facts_.note({FactKind::queue_overflow, "fabric", {}, 1});
    for (auto* shard : other_shards_) {
        if (!shard->put(broadcast)) facts_.note({FactKind::queue_overflow, "shard", {}, 1});
    }
}

void Shard::want(Bucket bucket, Ticket ticket) {
    fabric_->insist(BucketWanted{index_, bucket, ticket});
}
void Shard::release(Bucket bucket) {
    fabric_->insist(BucketReleased{index_, bucket});
}

void Shard::resume(Ticket ticket, std::string_view topic, const Since& since) {
    fabric_->insist(ResumeWanted{index_, ticket, std::string(topic), since});
}

bool Shard::ask_backend(std::uint64_t asked, backend::Request&& request) {
    return fabric_->put(
        BackendAsked{{index_, asked}, std::make_unique<backend::Request>(std::move(request))});
}
void Shard::take_back(std::uint64_t asked) {
    fabric_->insist(BackendTakenBack{{index_, asked}});
}

void Shard::note(const Fact& fact) {
    if (!is_of_client(fact.kind)) return facts_.note(fact);
    Fact addressed = fact;
    addressed.address = clients_.address_of(static_cast<SocketId>(fact.number));
    facts_.note(addressed);
}

void Shard::happened(Happening&& happening) {
    happenings_.push_back(std::move(happening));
}

bool Shard::tell_happenings() {
    if (happenings_.empty()) return false;
    for (Happening& it : happenings_) {
        if (it.kind != Happening::Kind::connected) continue;
        // When the hub told of it, the edge had not taken it up yet.
        if (const auto socket = hub_.find(it.session)) it.address = clients_.address_of(*socket);
    }
    fabric_->insist(Happened{std::exchange(happenings_, {})});
    return true;
}

void Shard::on_letter(ShardLetter& letter) {
    if (const auto* broadcast = std::get_if<BroadcastRef>(&letter)) {
        hub_.on_broadcast(*broadcast, loop_.now());
    } else if (const auto* gap = std::get_if<Gap>(&letter)) {
        hub_.on_gap(*gap);
    } else if (const auto* live = std::get_if<BucketLive>(&letter)) {
        hub_.on_live(live->bucket, live->ticket, loop_.now());
    } else if (auto* resumed = std::get_if<Resumed>(&letter)) {
        hub_.on_resumed(resumed->ticket, std::move(resumed->replay), loop_.now());
    } else if (const auto* question = std::get_if<TopicsQuestion>(&letter)) {
        TopicsAnswer answer{question->question, {}};
        hub_.channels().for_each_topic([&](const Topic& topic) {
            answer.rows.push_back({topic.name, topic.members.size()});
        });
        fabric_->insist(std::move(answer));
    } else if (std::holds_alternative<StopListening>(letter)) {
        clients_.stop_listening();
    } else if (auto* renewal = std::get_if<CertificateRenewed>(&letter)) {
        clients_.show(std::move(renewal->certificate));
    } else if (auto* keys = std::get_if<TokenKeysRenewed>(&letter)) {
        tokens_.renew(std::move(keys->keys));
    } else if (const auto* asked = std::get_if<PollAsked>(&letter)) {
        clients_.ask(asked->request, [this, from = asked->from](PollAnswer answer) {
            fabric_->insist(PollAnswered{from, std::move(answer)});
        });
    } else if (auto* delivered = std::get_if<PollDelivered>(&letter)) {
        clients_.on_relayed(delivered->id, std::move(delivered->answer));
    } else if (const auto* told = std::get_if<ApiAnswered>(&letter)) {
        const auto answer = control::decode_answer(told->bytes);
        if (answer) clients_.on_desk_answer(*answer);
    } else if (const auto* wanted = std::get_if<DeliveryWanted>(&letter)) {
        fabric_->insist(DeliveryCounted{wanted->question, hub_.on_delivery(*wanted->delivery)});
    } else if (auto* answered = std::get_if<BackendAnswered>(&letter)) {
        hub_.on_backend(answered->id, std::move(*answered->outcome), loop_.now());
    } else {
        hub_.hand_over(std::get<HandOver>(letter).most);
    }
}

void Shard::tick() {
    hub_.tick(loop_.now());
    clients_.tick();
    ShardFigures figures;
    figures.connections = hub_.connection_count();
    figures.poll_sessions = clients_.poll_sessions().size();
    figures.polls_waiting = clients_.poll_sessions().waiting();
    figures.channels = hub_.channels().channel_count();
    figures.topics = hub_.channels().topic_count();
    figures.hub = hub_.counters();
    figures.frames_sent = hub_.outbox().frames_sent();
    figures.sends = hub_.outbox().sends();
    figures.skipped = hub_.outbox().skipped();
    figures.uring = clients_.sends();
    board_.post(index_, figures);
}

}  // namespace roost
