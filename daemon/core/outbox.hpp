// outbox: what waits to be sent to the clients of one shard.
//
// During a turn of the loop frames are noted, not sent: one table holds each frame once, and each
// socket keeps only one number, the sequence of frames that it is to be sent. flush() hands
// everything that met in the turn to the sink, once for each socket and many sockets at a time. A
// socket that cannot take more is behind: its frames wait in a backlog, by reference and bounded by
// bytes, until on_writable(). Sockets are small integers given by the hub.
//
// Cost per delivery: one number compared and stored, and a share of one send. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/backlog.hpp"
#include "daemon/core/sequences.hpp"
#include "daemon/core/turn_bytes.hpp"

namespace roost {

using SocketId = std::uint32_t;

struct Sending {
    SocketId socket = 0;
    bool is_behind = false;  // the sink's answer
    std::string_view bytes;
};

// Where the bytes go. Implemented over libwebsockets, and by the simulation.
class SocketSink {
public:
    virtual ~SocketSink() = default;
    // Takes all bytes in any case; false if the socket has to be waited for before the next send.
    virtual bool send(SocketId socket, std::string_view bytes) = 0;
    // The same for many sockets at once, of which none comes twice. The bytes live until it
    // returns.
    virtual void send_all(std::span<Sending> sendings) {
        for (Sending& each : sendings) each.is_behind = !send(each.socket, each.bytes);
    }
};

struct OutboxLimits {
    std::size_t bytes_max = 4'000'000;  // waiting for one socket
};

class Outbox {
public:
    Outbox(SocketSink& sink, OutboxLimits limits);

    void open(SocketId socket);
    void close(SocketId socket);

    // A frame of this turn, to be given to any number of sockets.
    FrameId add(Frame frame);
    void put(SocketId socket, FrameId frame) { put_all({&socket, 1}, frame); }
    // To all of them but one.
    void put_all(std::span<const SocketId> sockets, FrameId frame, SocketId but = nobody);
    // A frame for one socket only. The bytes are copied.
    void put(SocketId socket, std::string_view frame);
    void put(SocketId socket, std::string&& frame);
    // For a socket that is behind, before all that waits for it.
    void put_first(SocketId socket, std::string frame);

    // Sends what the turn has gathered. Returns the sockets whose limit was passed in it: what
    // waited for them is dropped, they take nothing more, and the caller closes them.
    std::vector<SocketId> flush();
    void on_writable(SocketId socket);
    // What channels with positions have missed of the broadcasts to this socket, since the last
    // call. It was published before what waits.
    std::vector<Skipped> take_skipped(SocketId socket);

    std::size_t waiting_bytes(SocketId socket) const {
        const Box& box = boxes_[socket];
        return box.backlog ? box.backlog->bytes() : 0;
    }
    bool has_pending() const { return !dirty_.empty(); }
    // A turn this long is flushed before it ends.
    bool is_full() const { return turn_.size() >= 1024 || sequences_.size() >= 65'536; }
    std::uint64_t frames_sent() const { return frames_sent_; }
    std::uint64_t sends() const { return sends_; }
    const SkipCounters& skipped() const { return skipped_; }

    static constexpr SocketId nobody = UINT32_MAX;

private:
    // In place of a sequence: the socket takes nothing. It is not open, or its limit was passed.
    static constexpr SequenceId closed = UINT32_MAX;

    struct Box {
        SequenceId pending = closed;
        bool is_behind = false;
        std::unique_ptr<Backlog> backlog;
    };

    void send(SocketId socket, SequenceId sequence);
    void send_ready(SocketId socket);
    void send_batch();
    void send_in_pieces(SocketId socket, SequenceId sequence);
    // Finds the text of the sequence, or makes it. False if there is no room in this batch.
    bool make_ready(SequenceId sequence);
    void keep(SocketId socket, std::span<const FrameId> frames);

    SocketSink& sink_;
    OutboxLimits limits_;
    std::vector<Box> boxes_;
    std::vector<Frame> turn_;
    Sequences sequences_;
    std::vector<SocketId> dirty_;
    std::vector<SocketId> over_;
    std::vector<Sending> batch_;
    std::size_t batched_ = 0;
    // Of the sequence that was sent last: the next socket is mostly sent the same.
    SequenceId ready_ = Sequences::none;
    std::uint32_t ready_count_ = 0;
    std::string_view ready_text_;
    std::string gathered_;  // the texts of the batch; never grows, as they point into it
    TurnBytes own_bytes_;
    std::string piece_;
    std::uint64_t frames_sent_ = 0;
    std::uint64_t sends_ = 0;
    SkipCounters skipped_;
};

}  // namespace roost
