#include <algorithm>
#include <optional>

#include "client/bench/traffic.hpp"

namespace roost::bench {

namespace {

constexpr std::size_t warm_up_turns = 20;
constexpr std::size_t joins_at_once = 128;

class FanOut final : CrowdListener {
public:
    FanOut(const Where& where, const FanOutPlan& plan, Watcher& watcher)
        : where_(where),
          plan_(plan),
          watcher_(watcher),
          crowd_(where.targets, *where.dialect, *this),
          ledger_(plan.subscribers, 1) {}

    Outcome run() {
        gather(crowd_, plan_.subscribers, joins_at_once, watcher_,
               [this](std::size_t client) { crowd_.add(target_of(client), {where_.topic}); });
        if (!publish(warm_up_turns * plan_.at_once, 0)) {
            Measure measure(ledger_, watcher_);
            return measure.outcome(0);
        }
        measure_.emplace(ledger_, watcher_);
        publish(plan_.pace.messages, plan_.pace.rate);
        return measure_->outcome(plan_.pace.messages);
    }

private:
    std::size_t target_of(std::size_t client) const {
        const std::size_t targets = where_.targets.size();
        if (!plan_.is_cross || targets == 1) return client % targets;
        return client == 0 ? 0 : 1 + client % (targets - 1);
    }

    void publish_next(std::size_t count) {
        std::string frames;
        const auto now = Clock::now();
        for (std::size_t i = 0; i < count; ++i) {
            const auto payload = to_payload({0, sent_at_.size()}, plan_.pace.payload_bytes);
            frames += where_.dialect->publish(where_.topic, payload);
            sent_at_.push_back(now);
            ledger_.expect(plan_.subscribers);
        }
        crowd_.send(0, frames);
    }

    static Clock::duration pause(std::size_t messages, double rate) {
        return std::chrono::nanoseconds(
            static_cast<std::int64_t>(static_cast<double>(messages) * 1e9 / rate));
    }

    // So many more messages. False if something of it did not come.
    bool publish(std::size_t messages, double rate) {
        const std::size_t end = sent_at_.size() + messages;
        auto due = Clock::now();
        auto heard = due;
        while (sent_at_.size() < end || !ledger_.is_complete()) {
            const auto now = Clock::now();
            const bool is_due = now >= due && (rate > 0 || ledger_.is_complete());
            if (sent_at_.size() < end && is_due) {
                const std::size_t count = std::min(plan_.at_once, end - sent_at_.size());
                publish_next(count);
                heard = now;
                // A rate is held in the mean; the pause of who waits for others is from now on.
                if (rate > 0) due += pause(count, rate);
                if (rate == 0 && plan_.pace.rate_max > 0)
                    due = now + pause(count, plan_.pace.rate_max);
            }
            // In steps of a millisecond while only the time is waited for.
            const bool is_timed = sent_at_.size() < end && (rate > 0 || ledger_.is_complete());
            if (crowd_.turn(std::chrono::milliseconds(is_timed ? 1 : 100))) heard = Clock::now();
            if (!ledger_.is_complete() && Clock::now() - heard > loss_wait) return false;
            watcher_.on_progress("delivered", ledger_.delivered(), end * plan_.subscribers);
        }
        return true;
    }

    void on_message(ClientId client, std::string_view payload) override {
        const Message message = from_payload(payload);
        ledger_.take(client, 0, message.number);
        if (measure_ && message.number < sent_at_.size()) {
            measure_->add(crowd_.now() - sent_at_[message.number]);
        }
    }

    const Where& where_;
    const FanOutPlan& plan_;
    Watcher& watcher_;
    Crowd crowd_;
    Ledger ledger_;
    std::vector<Clock::time_point> sent_at_;  // by the number of the message
    std::optional<Measure> measure_;
};

}  // namespace

Outcome fan_out(const Where& where, const FanOutPlan& plan, Watcher& watcher) {
    return FanOut(where, plan, watcher).run();
}

}  // namespace roost::bench
