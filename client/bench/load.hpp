// load: what clients can be made to do to servers, and what is seen of it.
//
// Each load connects its clients, does its work in one thread until it is done, verifies that
// nothing was lost and all was in order, and cuts its clients. What it does not expect is a
// LoadError (load_error.hpp): servers that are not there, refusals, connections that are closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/dialect.hpp"
#include "client/bench/target.hpp"

namespace roost::bench {

// Who is told while a load runs.
class Watcher {
public:
    virtual ~Watcher() = default;
    virtual void on_progress(std::string_view, std::size_t /*done*/, std::size_t /*of*/) {}
    // Around the part that is measured.
    virtual void on_begin() {}
    virtual void on_end() {}
};

struct Where {
    std::vector<Target> targets;  // at least one
    const Dialect* dialect = nullptr;
    std::string topic = "bench";  // the first part of the names of all
};

struct Figure {
    std::string name;
    double value = 0;
};

struct Outcome {
    std::vector<Figure> figures;
    bool is_whole = true;  // nothing was lost or came out of its order
};

// How each client that publishes does so: with a rate so many a second, whatever becomes of them;
// without one (0) when everybody has got what came before, and at most so many a second (0: any).
struct Pace {
    std::size_t messages = 1000;
    double rate = 0;
    double rate_max = 0;
    std::size_t payload_bytes = 128;
};

// One topic. The first client publishes, so many messages at once; all of them listen, spread over
// the targets. If it is cross, all but the first are at other targets than the publisher.
struct FanOutPlan {
    std::size_t subscribers = 1000;
    std::size_t at_once = 1;
    bool is_cross = false;
    Pace pace;
};
Outcome fan_out(const Where& where, const FanOutPlan& plan, Watcher& watcher);

// Every member of every room publishes to it. The members of a room are spread over the targets.
struct RoomsPlan {
    std::size_t rooms = 1000;
    std::size_t members = 10;
    Pace pace;
};
Outcome rooms(const Where& where, const RoomsPlan& plan, Watcher& watcher);

// Clients that join, and then do nothing for so long. The measured part is all of it.
struct IdlePlan {
    std::size_t clients = 1000;
    std::size_t topics = 1000;  // each client joins one of them
    std::size_t topics_each = 1;
    std::chrono::milliseconds hold{10'000};
};
Outcome idle(const Where& where, const IdlePlan& plan, Watcher& watcher);

// Clients that connect and join all at once, up to so many on their way at a time. Meanwhile a
// client that has been there before publishes on a topic of its own, and hears itself: the probe.
struct JoinPlan {
    std::size_t clients = 10'000;
    std::size_t topics = 1000;
    std::size_t at_once = 1000;
    std::chrono::milliseconds probe_interval{10};
};
Outcome join(const Where& where, const JoinPlan& plan, Watcher& watcher);

}  // namespace roost::bench
