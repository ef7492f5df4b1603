#include "tests/bench/churn.hpp"

#include "client/bench/client_frame.hpp"
#include "client/bench/load_error.hpp"
#include "client/bench/traffic.hpp"

namespace roost::bench {

namespace {

void await(Crowd& crowd, const std::function<bool()>& is_done) {
    for (auto heard = Clock::now(); !is_done();) {
        if (crowd.turn(std::chrono::milliseconds(100))) heard = Clock::now();
        if (Clock::now() - heard > loss_wait) throw LoadError("no answer came for 10 s");
    }
}

Outcome outcome_of(std::size_t times, Clock::duration time) {
    return {{{"times", static_cast<double>(times)},
             {"times_per_second", static_cast<double>(times) / seconds(time)}},
            true};
}

class TopicChurn final : CrowdListener {
public:
    TopicChurn(const Where& where, const TopicChurnPlan& plan, Watcher& watcher)
        : where_(where),
          plan_(plan),
          watcher_(watcher),
          crowd_(where.targets, *where.dialect, *this),
          visits_(plan.clients) {}

    Outcome run() {
        gather(crowd_, plan_.clients, plan_.clients, watcher_, [this](std::size_t client) {
            crowd_.add(client % where_.targets.size(),
                       {where_.topic + ":" + std::to_string(client)});
        });
        watcher_.on_begin();
        const auto begun = Clock::now();
        for (ClientId client = 0; client < plan_.clients; ++client) join_next(client);
        await(crowd_, [this] { return left_ >= plan_.times; });
        const auto time = Clock::now() - begun;
        watcher_.on_end();
        return outcome_of(left_, time);
    }

private:
    struct Visit {
        std::size_t topic = 0;
        bool is_leaving = false;
    };

    void say(ClientId client, std::string_view event) {
        std::string text = R"(["9","9","churn:)" + std::to_string(visits_[client].topic);
        text.append(R"(",")").append(event).append(R"(",{}])");
        crowd_.send(client, client_frame(opcode::text, text));
    }
    void join_next(ClientId client) {
        visits_[client] = {++last_topic_, false};
        say(client, "phx_join");
    }
    void on_message(ClientId, std::string_view) override {}
    void on_answer(ClientId client) override {
        if (visits_[client].is_leaving) {
            ++left_;
            return join_next(client);
        }
        visits_[client].is_leaving = true;
        say(client, "phx_leave");
    }

    const Where& where_;
    const TopicChurnPlan& plan_;
    Watcher& watcher_;
    Crowd crowd_;
    std::vector<Visit> visits_;  // by client
    std::size_t last_topic_ = 0, left_ = 0;
};

class ConnectionChurn final : CrowdListener {
public:
    ConnectionChurn(const Where& where, const ConnectionChurnPlan& plan, Watcher& watcher)
        : where_(where),
          plan_(plan),
          watcher_(watcher),
          crowd_(where.targets, *where.dialect, *this) {}

    Outcome run() {
        watcher_.on_begin();
        const auto begun = Clock::now();
        while (crowd_.size() < plan_.times) {
            while (crowd_.size() - cut_ < plan_.at_once && crowd_.size() < plan_.times) {
                const std::size_t client = crowd_.size();
                crowd_.add(client % where_.targets.size(),
                           {where_.topic + ":" + std::to_string(client)});
            }
            const std::size_t before = cut_;
            await(crowd_, [&] { return cut_ > before; });
        }
        await(crowd_, [this] { return cut_ == plan_.times; });
        const auto time = Clock::now() - begun;
        watcher_.on_end();
        return outcome_of(cut_, time);
    }

private:
    void on_message(ClientId, std::string_view) override {}
    void on_joined(ClientId client, Clock::duration) override {
        crowd_.cut(client);
        ++cut_;
    }

    const Where& where_;
    const ConnectionChurnPlan& plan_;
    Watcher& watcher_;
    Crowd crowd_;
    std::size_t cut_ = 0;
};

}  // namespace

Outcome churn_topics(const Where& where, const TopicChurnPlan& plan, Watcher& watcher) {
    return TopicChurn(where, plan, watcher).run();
}

Outcome churn_connections(const Where& where, const ConnectionChurnPlan& plan, Watcher& watcher) {
    return ConnectionChurn(where, plan, watcher).run();
}

}  // namespace roost::bench
