// traffic: the messages of a load: made, recognized, and held against what must come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/crowd.hpp"
#include "client/bench/latencies.hpp"
#include "client/bench/load.hpp"

namespace roost::bench {

// A silence of so long while something is due: it is lost.
constexpr std::chrono::milliseconds loss_wait{10'000};
constexpr std::size_t messages_max = 99'999'999;   // of one publisher
constexpr std::size_t publishers_max = 1'000'000;  // of one load

struct Message {
    std::size_t publisher = 0;
    std::size_t number = 0;  // from 0, of this publisher
};

// A JSON object of so many bytes, or somewhat more if they are too few for what it tells.
std::string to_payload(const Message& message, std::size_t bytes);
// Throws LoadError if it is none of ours.
Message from_payload(std::string_view payload);

// What each receiver has heard of each publisher that it listens to. Both are numbered from 0.
class Ledger {
public:
    Ledger(std::size_t receivers, std::size_t publishers_each)
        : publishers_each_(publishers_each), next_(receivers * publishers_each) {}

    // So many are to get one more message.
    void expect(std::size_t receivers) { due_ += receivers; }
    void take(std::size_t receiver, std::size_t publisher, std::size_t number) {
        std::uint32_t& next = next_[receiver * publishers_each_ + publisher];
        if (number != next) ++out_of_order_;
        next = static_cast<std::uint32_t>(number + 1);
        ++delivered_;
    }

    bool is_complete() const { return delivered_ >= due_; }
    std::size_t delivered() const { return delivered_; }
    std::size_t due() const { return due_; }
    std::size_t lost() const { return due_ > delivered_ ? due_ - delivered_ : 0; }
    // Came twice, or not in its place; so what follows something that was lost counts, too.
    std::size_t out_of_order() const { return out_of_order_; }

private:
    std::size_t publishers_each_;
    std::vector<std::uint32_t> next_;
    std::size_t due_ = 0;
    std::size_t delivered_ = 0;
    std::size_t out_of_order_ = 0;
};

// The part of a load that is measured: from its making until figures() are asked for.
class Measure {
public:
    explicit Measure(const Ledger& ledger, Watcher& watcher);

    void add(Clock::duration latency) { latencies_.add(latency); }
    Outcome outcome(std::size_t messages);

private:
    const Ledger& ledger_;
    Watcher& watcher_;
    Latencies latencies_;
    std::size_t delivered_before_;
    double cpu_before_;
    Clock::time_point begun_;
};

// Adds clients, at most `at_once` of them on their way at a time, until so many have joined.
// `between` is called again and again meanwhile. Throws LoadError when nothing happens for long.
void gather(
    Crowd& crowd, std::size_t count, std::size_t at_once, Watcher& watcher,
    const std::function<void(std::size_t client)>& add,
    const std::function<void()>& between = [] {});

// p50, p99 and the longest, in microseconds, as NAME_p50_us.
void append(std::vector<Figure>& figures, const std::string& name, const Latencies& latencies);

// User and system time of this process.
double own_cpu_seconds();
double seconds(Clock::duration duration);

}  // namespace roost::bench
