// node: one roostd: its loops, threads, shards and fabric, built from the options.
//
// With one or two shards the fabric lives in the first shard's loop: half the latency of a lone
// message across nodes. With more it has a loop and a thread of its own.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "daemon/board.hpp"
#include "daemon/edge/door.hpp"
#include "daemon/fabric.hpp"
#include "daemon/options.hpp"
#include "daemon/shard.hpp"

namespace roost {

class Node {
public:
    // Everything is bound when it returns. Throws StartError.
    Node(const Options& options, Incarnation incarnation);
    ~Node();

    void start();
    // Hands the clients over at the drain rate, says goodbye, and ends the threads.
    void stop();

    // Reads again what may change while it runs: the certificate. What is wrong is logged, and what
    // it had stays.
    void reload();

    const Board& board() const { return board_; }
    std::string status_line() const;

private:
    void reload_certificate();
    void reload_token_keys();

    void hand_over();

    const Options options_;
    Rules rules_;
    FactLog facts_;
    Door door_;
    Board board_;
    zmq::context_t context_;
    std::vector<std::unique_ptr<Loop>> loops_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<Fabric> fabric_;
    std::vector<std::thread> threads_;
};

}  // namespace roost
