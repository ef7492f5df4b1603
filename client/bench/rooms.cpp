#include <array>
#include <deque>
#include <optional>
#include <utility>

#include "client/bench/load_error.hpp"
#include "client/bench/traffic.hpp"

namespace roost::bench {

namespace {

constexpr std::size_t joins_at_once = 128;
// Of one member, on their way at a time, of which it is known when they were sent.
constexpr std::size_t timed_max = 16;

class Rooms final : CrowdListener {
public:
    Rooms(const Where& where, const RoomsPlan& plan, Watcher& watcher)
        : where_(where),
          plan_(plan),
          watcher_(watcher),
          crowd_(where.targets, *where.dialect, *this),
          ledger_(plan.rooms * plan.members, plan.members),
          members_(plan.rooms * plan.members) {
        if (plan.pace.rate_max == 0) return;
        pause_ = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / plan.pace.rate_max));
    }

    Outcome run() {
        gather(crowd_, members_.size(), joins_at_once, watcher_, [this](std::size_t client) {
            crowd_.add(client % where_.targets.size(),
                       {where_.topic + ":" + std::to_string(client / plan_.members)});
        });
        if (!publish(1, 0)) {
            Measure measure(ledger_, watcher_);
            return measure.outcome(0);
        }
        measure_.emplace(ledger_, watcher_);
        publish(plan_.pace.messages, plan_.pace.rate);
        return measure_->outcome(plan_.pace.messages * members_.size());
    }

private:
    struct Member {
        std::size_t published = 0;
        std::size_t missing = 0;  // deliveries of its last message, at its own pace
        std::array<Clock::time_point, timed_max> sent_at{};
    };

    void publish_next(std::size_t id) {
        Member& member = members_[id];
        const auto payload = to_payload({id, member.published}, plan_.pace.payload_bytes);
        const auto client = static_cast<ClientId>(id);
        member.sent_at[member.published % timed_max] = Clock::now();
        member.missing = plan_.members;
        ++member.published;
        ledger_.expect(plan_.members);
        crowd_.send(client, where_.dialect->publish(crowd_.topic_of(client), payload));
    }

    // So many more messages of each member. False if something of it did not come.
    bool publish(std::size_t messages, double rate) {
        end_ = members_.front().published + messages;
        rate_ = rate;
        const std::size_t all = members_.size() * messages;
        const std::size_t due_before = ledger_.due();
        const auto begun = Clock::now();
        auto heard = begun;
        std::size_t sent = 0;
        if (rate == 0) {
            for (std::size_t id = 0; id < members_.size(); ++id) {
                publish_next(id);
                crowd_.turn(std::chrono::milliseconds(0));
            }
        }
        const std::size_t due = due_before + all * plan_.members;
        while (ledger_.delivered() < due) {
            if (rate > 0) {
                const double passed = seconds(Clock::now() - begun);
                const double wanted = passed * rate * static_cast<double>(members_.size());
                for (; sent < all && static_cast<double>(sent) < wanted; ++sent) {
                    publish_next(sent % members_.size());
                    heard = Clock::now();
                }
            }
            const bool is_timed = (rate > 0 && sent < all) || !waiting_.empty();
            if (crowd_.turn(std::chrono::milliseconds(is_timed ? 1 : 100))) heard = Clock::now();
            if (Clock::now() - heard > loss_wait) return false;
            for (; !waiting_.empty() && waiting_.front().first <= Clock::now();
                 waiting_.pop_front()) {
                publish_next(waiting_.front().second);
            }
            watcher_.on_progress("delivered", ledger_.delivered(), due);
        }
        return true;
    }

    void on_message(ClientId client, std::string_view payload) override {
        const Message message = from_payload(payload);
        if (message.publisher / plan_.members != client / plan_.members) {
            throw LoadError("a message came to a room that it was not for: " +
                            std::string(payload.substr(0, 40)));
        }
        Member& publisher = members_[message.publisher];
        ledger_.take(client, message.publisher % plan_.members, message.number);
        if (measure_) measure_->add(crowd_.now() - publisher.sent_at[message.number % timed_max]);
        if (rate_ > 0 || publisher.missing == 0 || --publisher.missing > 0) return;
        if (publisher.published >= end_) return;
        if (plan_.pace.rate_max == 0) return publish_next(message.publisher);
        // All pauses are as long, so that who waits longest is the first.
        waiting_.emplace_back(crowd_.now() + pause_, message.publisher);
    }

    const Where& where_;
    const RoomsPlan& plan_;
    Watcher& watcher_;
    Crowd crowd_;
    Ledger ledger_;
    std::vector<Member> members_;  // by client
    std::size_t end_ = 0;          // how many each is to have published
    double rate_ = 0;
    Clock::duration pause_{};  // of a member that does not publish at a rate
    std::deque<std::pair<Clock::time_point, std::size_t>> waiting_;
    std::optional<Measure> measure_;
};

}  // namespace

Outcome rooms(const Where& where, const RoomsPlan& plan, Watcher& watcher) {
    return Rooms(where, plan, watcher).run();
}

}  // namespace roost::bench
