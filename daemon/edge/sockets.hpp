// sockets: the WebSockets of one shard by their numbers, and the way out to them.
//
// The bytes are frames already, so they go out as they are: those of many sockets at once through
// io_uring, or one by one through the library (LWS_WRITE_RAW), which keeps what a socket does not
// take. Through the library goes TLS, whatever follows something that it has kept, and all where
// there is no io_uring. A socket that fails ends that client only. One loop, one thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/core/hub.hpp"
#include "daemon/edge/uring.hpp"

struct lws;

namespace roost {

struct SendCounters {
    std::uint64_t batches = 0;  // given to io_uring
    std::uint64_t batched = 0;  // sends in them
    std::uint64_t shorts = 0;   // of these, those of which the socket did not take all
};

class Sockets {
public:
    // Sends to a number that is none of its own.
    using Elsewhere = std::function<bool(SocketId socket, std::string_view bytes)>;

    Sockets(bool has_uring, Elsewhere elsewhere);

    void open(SocketId socket, lws* wsi);
    void gone(SocketId socket) { entries_[socket] = Entry{}; }

    // As SocketSink.
    bool send(SocketId socket, std::string_view bytes);
    void send_all(std::span<Sending> sendings);
    // False if the number is none of its own. Takes effect in end_turn().
    bool close(SocketId socket, CloseCode code);
    void end_turn(Time now);
    // Cuts those that have not answered their close in time.
    void tick(Time now);

    bool is_closing(SocketId socket) const { return entries_[socket].is_closing; }
    // Null if the number is none of its own.
    lws* library_socket(SocketId socket) const {
        return socket < entries_.size() ? entries_[socket].wsi : nullptr;
    }
    const SendCounters& counters() const { return counters_; }

private:
    struct Entry {
        lws* wsi = nullptr;
        int fd = -1;
        CloseCode wanted{};  // to be closed at the end of the turn, if it is any
        // What is sent past the library arrives as it is: no TLS, and nothing closes.
        bool is_direct = false;
        bool is_closing = false;
    };
    struct Closing {
        SocketId socket;
        const lws* wsi;
        Time cut_at;
    };

    bool send(const Entry& entry, std::string_view bytes);
    void finish(const Uring::Short& sent, Sending& sending);

    std::vector<Entry> entries_;
    std::vector<SocketId> to_close_;
    std::vector<Closing> closing_;
    std::unique_ptr<Uring> uring_;
    Elsewhere elsewhere_;
    SendCounters counters_;
};

// With output still buffered the library would go on flushing to a client that does not read: it
// lets go only of a socket that fails.
void cut_off(lws* wsi);

}  // namespace roost
