// edge_thread: a loop in a thread of its own, and work to be done in it.
//
// What it serves is built before start() and taken down after stop(), which the owner calls.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "daemon/core/group.hpp"
#include "daemon/edge/group_sockets.hpp"
#include "daemon/edge/loop.hpp"
#include "daemon/edge/mailbox.hpp"

namespace roost::contract {

class EdgeThread {
public:
    EdgeThread() : mailbox_(loop_) {}

    Loop& loop() { return loop_; }

    // `service` is called at the end of each turn, as the fabric does.
    void start(std::function<bool()> service) {
        loop_.at_end_of_turn([this, service = std::move(service)] {
            bool is_busy = mailbox_.drain([](std::function<void()>& work) { work(); });
            is_busy |= service();
            return is_busy;
        });
        thread_ = std::thread([this] { loop_.run(); });
    }
    void stop() {
        loop_.stop();
        if (thread_.joinable()) thread_.join();
    }

    // Does the work in the loop, and waits until it is done.
    template <class Work>
    auto ask(Work work) {
        std::packaged_task<decltype(work())()> task(std::move(work));
        auto done = task.get_future();
        mailbox_.insist([&task] { task(); });
        return done.get();
    }

private:
    Loop loop_;
    Mailbox<std::function<void()>> mailbox_;
    std::thread thread_;
};

// With a context of their own, as in a node.
struct BoundSockets {
    std::unique_ptr<zmq::context_t> context;
    std::unique_ptr<GroupSockets> sockets;
    Endpoint publisher;  // where the XPUB is
};
// On any two ports of loopback that are free. Events that are not given are not heard.
BoundSockets bind_anywhere(Loop& loop, const std::vector<GroupKey>& keys, GroupSocketEvents events);

}  // namespace roost::contract
