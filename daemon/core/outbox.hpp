// outbox: what waits to be sent to the clients of one shard.
//
// During a turn of the loop frames are noted, not sent: one table holds each frame once, and each
// socket keeps only numbers of that table. flush() sends, per socket, everything that met in the
// turn with one call. A socket that cannot take more is behind: its frames are kept, by reference
// and bounded by bytes, until on_writable(). Sockets are small integers given by the hub.
//
// Cost per delivery: one index stored, one send. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

using SocketId = std::uint32_t;

// Where the bytes go. Implemented over libwebsockets, and by the simulation.
class SocketSink {
public:
    virtual ~SocketSink() = default;
    // Takes all bytes in any case; false if the socket has to be waited for before the next send.
    virtual bool send(SocketId socket, std::string_view bytes) = 0;
};

struct OutboxLimits {
    std::size_t bytes_max = 4'000'000;  // waiting for one socket
};

class Outbox {
public:
    Outbox(SocketSink& sink, OutboxLimits limits) : sink_(sink), limits_(limits) {}

    void open(SocketId socket);
    void close(SocketId socket);

    // A frame of this turn, to be given to any number of sockets. `owner` keeps the bytes alive.
    std::uint32_t add(std::shared_ptr<const void> owner, std::string_view bytes);
    void put(SocketId socket, std::uint32_t frame) {
        Box& box = boxes_[socket];
        if (!box.is_open || box.is_over) return;
        if (box.pending.empty()) dirty_.push_back(socket);
        box.pending.push_back(frame);
    }
    // A frame for one socket only.
    void put(SocketId socket, std::string frame);

    // Sends what the turn has gathered. Returns the sockets whose limit was passed in it: what
    // waited for them is dropped, they take nothing more, and the caller closes them.
    std::vector<SocketId> flush();
    void on_writable(SocketId socket);

    std::size_t waiting_bytes(SocketId socket) const { return boxes_[socket].waiting_bytes; }
    bool has_pending() const { return !dirty_.empty(); }
    // A turn this long is flushed before it ends.
    bool is_full() const { return turn_.size() >= 1024; }
    std::uint64_t frames_sent() const { return frames_sent_; }
    std::uint64_t sends() const { return sends_; }

private:
    struct Frame {
        std::shared_ptr<const void> owner;
        std::string_view bytes;
    };
    struct Box {
        std::vector<std::uint32_t> pending;
        std::unique_ptr<std::deque<Frame>> waiting;
        std::size_t waiting_bytes = 0;
        bool is_open = false;
        bool is_behind = false;
        bool is_over = false;  // its limit was passed: it takes nothing more
    };

    // Returns how many of the pending frames have left.
    std::size_t send_pending(SocketId socket, Box& box);
    // From the place `at` on. False if the limit is passed.
    bool keep_pending(Box& box, std::size_t at);

    SocketSink& sink_;
    OutboxLimits limits_;
    std::vector<Box> boxes_;
    std::vector<Frame> turn_;
    std::vector<SocketId> dirty_;
    std::string gathered_;
    std::uint64_t frames_sent_ = 0;
    std::uint64_t sends_ = 0;
};

}  // namespace roost
