#include <algorithm>

#include "client/bench/load_error.hpp"
#include "client/bench/traffic.hpp"

namespace roost::bench {

namespace {

constexpr std::size_t joins_at_once = 128;

// Clients that join and say nothing; but those that probe hear themselves.
class Joins final : CrowdListener {
public:
    Joins(const Where& where, Watcher& watcher)
        : where_(where), watcher_(watcher), crowd_(where.targets, *where.dialect, *this) {}

    void begin() {
        watcher_.on_begin();
        cpu_before_ = own_cpu_seconds();
        begun_ = Clock::now();
    }

    void join(std::size_t clients, std::size_t topics, std::size_t topics_each,
              std::size_t at_once) {
        const std::size_t others = crowd_.size();
        gather(
            crowd_, others + clients, at_once, watcher_,
            [&](std::size_t client) {
                std::vector<std::string> joined;
                for (std::size_t i = 0; i < topics_each; ++i) {
                    const std::size_t topic = ((client - others) * topics_each + i) % topics;
                    joined.push_back(where_.topic + ":" + std::to_string(topic));
                }
                crowd_.add(client % where_.targets.size(), std::move(joined));
            },
            [this] { probe(); });
        join_seconds_ = seconds(Clock::now() - begun_);
        busy_ = own_cpu_seconds() - cpu_before_;
    }

    // A client that publishes to itself every so often, from now on.
    void add_probe(std::chrono::milliseconds interval) {
        gather(crowd_, 1, 1, watcher_,
               [this](std::size_t) { crowd_.add(0, {where_.topic + ":probe"}); });
        for (std::size_t i = 0; i < 10; ++i) {
            probe_now();
            await_probe();
        }
        latencies_ = {};
        probe_interval_ = interval;
    }

    void await_probe() {
        for (const auto begun = Clock::now(); heard_ < sent_at_.size();) {
            crowd_.turn(std::chrono::milliseconds(10));
            if (Clock::now() - begun > loss_wait) return;
        }
    }

    void hold(std::chrono::milliseconds time) {
        for (const auto end = Clock::now() + time; Clock::now() < end;) {
            crowd_.turn(std::chrono::milliseconds(100));
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::max(end - Clock::now(), Clock::duration(0)));
            watcher_.on_progress("ms held", static_cast<std::size_t>((time - left).count()),
                                 static_cast<std::size_t>(time.count()));
        }
    }

    Outcome outcome(std::size_t clients) {
        watcher_.on_end();
        Outcome outcome;
        outcome.figures = {{"clients", static_cast<double>(clients)},
                           {"joins_per_second", static_cast<double>(clients) / join_seconds_}};
        append(outcome.figures, "join", joins_);
        if (probe_interval_.count() > 0) {
            append(outcome.figures, "probe", latencies_);
            outcome.figures.push_back({"probes", static_cast<double>(latencies_.count())});
            outcome.figures.push_back({"lost", static_cast<double>(sent_at_.size() - heard_)});
            outcome.is_whole = heard_ == sent_at_.size();
        }
        outcome.figures.push_back({"load_busy_percent", busy_ * 100 / join_seconds_});
        return outcome;
    }

private:
    void probe() {
        if (probe_interval_.count() == 0 || Clock::now() < next_probe_) return;
        probe_now();
        next_probe_ = Clock::now() + probe_interval_;
    }

    void probe_now() {
        const auto payload = to_payload({0, sent_at_.size()}, 0);
        sent_at_.push_back(Clock::now());
        crowd_.send(0, where_.dialect->publish(crowd_.topic_of(0), payload));
    }

    void on_message(ClientId client, std::string_view payload) override {
        const Message message = from_payload(payload);
        if (client != 0 || message.number != heard_) {
            throw LoadError("a message came that is not due: " + std::string(payload));
        }
        latencies_.add(crowd_.now() - sent_at_[heard_++]);
    }
    void on_joined(ClientId, Clock::duration time) override { joins_.add(time); }

    const Where& where_;
    Watcher& watcher_;
    Crowd crowd_;
    Clock::time_point begun_;
    double cpu_before_ = 0, join_seconds_ = 0, busy_ = 0;
    Latencies joins_;
    // The probe's.
    std::chrono::milliseconds probe_interval_{0};
    Clock::time_point next_probe_;
    std::vector<Clock::time_point> sent_at_;
    std::size_t heard_ = 0;
    Latencies latencies_;
};

}  // namespace

Outcome idle(const Where& where, const IdlePlan& plan, Watcher& watcher) {
    // What a server takes for its first connections is not what a connection costs.
    Joins(where, watcher).join(10, 10, 1, 10);
    Joins joins(where, watcher);
    joins.begin();
    joins.join(plan.clients, plan.topics, plan.topics_each, joins_at_once);
    joins.hold(plan.hold);
    return joins.outcome(plan.clients);
}

Outcome join(const Where& where, const JoinPlan& plan, Watcher& watcher) {
    Joins joins(where, watcher);
    joins.add_probe(plan.probe_interval);
    joins.begin();
    joins.join(plan.clients, plan.topics, 1, plan.at_once);
    joins.await_probe();
    return joins.outcome(plan.clients);
}

}  // namespace roost::bench
