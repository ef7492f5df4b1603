// bench_load: puts servers under one load, and prints what that cost them, as lines NAME VALUE.
// Ends with 1 if a message was lost or out of its order.
//
//   bench_load LOAD url=WS-URL ... [pid=PROCESS ...] [dialect=phoenix|nats|mqtt] [topic=NAME] ...
//
// LOAD: fanout subscribers= messages= at_once= rate=, cross (the same; the publisher is at the
// first url), rooms rooms= members= messages= rate=, idle clients= topics= topics_each= hold_ms=,
// join clients= topics= at_once=, topics clients= times= (joins and leaves of new topics),
// connections at_once= times= (that come and go)
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "client/bench/crowd.hpp"
#include "client/bench/load.hpp"
#include "tests/bench/churn.hpp"
#include "tests/bench/process.hpp"
#include "tests/bench/words.hpp"

namespace {

using namespace roost::bench;

// Measures the servers while the load is on.
class Meter final : public Watcher {
public:
    Meter(std::vector<pid_t> processes, bool with_memory)
        : processes_(std::move(processes)), with_memory_(with_memory) {}

    void on_begin() override {
        if (with_memory_) memory_ = pss_at_rest(processes_);
        begun_ = Clock::now();
        cpu_ = cpu_seconds(processes_);
    }
    void on_end() override {
        cpu_used_ = cpu_seconds(processes_) - cpu_;
        time_ = std::chrono::duration<double>(Clock::now() - begun_).count();
        if (with_memory_)
            grown_ = static_cast<double>(pss_at_rest(processes_)) - static_cast<double>(memory_);
    }
    // For each of so many units of what was done.
    void print(const char* unit, double units) const {
        if (processes_.empty()) return;
        std::printf("server_cpu_us_per_%s %.3f\n", unit, cpu_used_ * 1e6 / units);
        std::printf("server_busy_percent %.0f\n", cpu_used_ * 100 / time_);
        if (with_memory_) std::printf("bytes_per_connection %.0f\n", grown_ / units);
    }

private:
    std::vector<pid_t> processes_;
    bool with_memory_;
    Clock::time_point begun_;
    double cpu_ = 0, cpu_used_ = 0, time_ = 0, grown_ = 0;
    std::uint64_t memory_ = 0;
};

Pace pace_of(Words& words) {
    Pace pace;
    pace.messages = words.number("messages", pace.messages);
    pace.rate = static_cast<double>(words.number("rate", 0));
    pace.payload_bytes = words.number("payload", pace.payload_bytes);
    return pace;
}

Outcome run_load(const std::string& load, const Where& where, Words& words, Watcher& watcher) {
    if (load == "fanout" || load == "cross") {
        FanOutPlan plan;
        plan.subscribers = words.number("subscribers", plan.subscribers);
        plan.at_once = words.number("at_once", plan.at_once);
        plan.is_cross = load == "cross";
        plan.pace = pace_of(words);
        words.require_known();
        allow_descriptors(plan.subscribers);
        return fan_out(where, plan, watcher);
    }
    if (load == "rooms") {
        RoomsPlan plan;
        plan.rooms = words.number("rooms", plan.rooms);
        plan.members = words.number("members", plan.members);
        plan.pace = pace_of(words);
        words.require_known();
        allow_descriptors(plan.rooms * plan.members);
        return rooms(where, plan, watcher);
    }
    if (load == "idle") {
        IdlePlan plan;
        plan.clients = words.number("clients", plan.clients);
        plan.topics = words.number("topics", plan.clients);
        plan.topics_each = words.number("topics_each", 1);
        plan.hold = std::chrono::milliseconds(words.number("hold_ms", 1000));
        words.require_known();
        allow_descriptors(plan.clients);
        return idle(where, plan, watcher);
    }
    if (load == "join") {
        JoinPlan plan;
        plan.clients = words.number("clients", plan.clients);
        plan.topics = words.number("topics", plan.topics);
        plan.at_once = words.number("at_once", plan.at_once);
        words.require_known();
        allow_descriptors(plan.clients);
        return join(where, plan, watcher);
    }
    if (load == "topics") {
        TopicChurnPlan plan;
        plan.clients = words.number("clients", plan.clients);
        plan.times = words.number("times", plan.times);
        words.require_known();
        return churn_topics(where, plan, watcher);
    }
    if (load == "connections") {
        ConnectionChurnPlan plan;
        plan.at_once = words.number("at_once", plan.at_once);
        plan.times = words.number("times", plan.times);
        words.require_known();
        return churn_connections(where, plan, watcher);
    }
    throw std::invalid_argument(
        "'" + load + "' must be fanout, cross, rooms, idle, join, topics or connections");
}

double value_of(const Outcome& outcome, const std::string& name) {
    for (const auto& figure : outcome.figures) {
        if (figure.name == name) return figure.value;
    }
    return 0;
}

int run(const std::vector<std::string>& arguments) {
    Words words(arguments);
    const std::string& load = arguments.at(0);
    const std::string name = words.text("dialect", "phoenix");
    const auto dialect = name == "nats" ? nats() : name == "mqtt" ? mqtt() : phoenix();
    Where where;
    for (const auto& url : words.all("url")) where.targets.push_back(parse_target(url));
    if (where.targets.empty()) throw std::invalid_argument("there is no url=");
    where.dialect = dialect.get();
    where.topic = words.text("topic", where.topic);
    std::vector<pid_t> processes;
    for (const auto& pid : words.all("pid")) processes.push_back(std::stoi(pid));

    const bool is_joins = load == "idle" || load == "join";
    Meter meter(std::move(processes), is_joins);
    const Outcome outcome = run_load(load, where, words, meter);
    for (const auto& [figure, value] : outcome.figures) {
        std::printf("%s %.*f\n", figure.c_str(), value < 1000 ? 1 : 0, value);
    }
    const bool is_churn = load == "topics" || load == "connections";
    meter.print(is_joins   ? "join"
                : is_churn ? "time"
                           : "delivery",
                value_of(outcome, is_joins   ? "clients"
                                  : is_churn ? "times"
                                             : "deliveries"));
    return outcome.is_whole ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 2) throw std::invalid_argument("bench_load LOAD url=WS-URL ... NAME=VALUE ...");
        return run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_load: %s\n", error.what());
        return 1;
    }
}
