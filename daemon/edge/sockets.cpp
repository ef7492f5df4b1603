#include "daemon/edge/sockets.hpp"

#include <libwebsockets.h>
#include <sys/socket.h>

#include "daemon/core/invariant.hpp"
#include "daemon/edge/log.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {

// A client that does not answer a close frame is cut.
constexpr Duration close_wait = std::chrono::seconds(2);

// The connection is broken; the library closes it when its loop sees it.
void end_broken(lws* wsi) {
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
    lws_cancel_service(lws_get_context(wsi));
}

}  // namespace

void cut_off(lws* wsi) {
    const int fd = lws_get_socket_fd(wsi);
    const linger at_once{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    shutdown(fd, SHUT_RDWR);
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_SYNC);
}

Sockets::Sockets(bool has_uring, Elsewhere elsewhere) : elsewhere_(std::move(elsewhere)) {
    if (!has_uring) return;
    auto uring = Uring::open();
    if (uring) {
        uring_ = std::move(*uring);
    } else {
        log_line(LogLevel::warning, "a shard does without io_uring: " + uring.error());
    }
}

void Sockets::open(SocketId socket, lws* wsi) {
    if (socket >= entries_.size()) entries_.resize(std::size_t{socket} + 1);
    entries_[socket] =
        Entry{wsi, lws_get_socket_fd(wsi), {}, uring_ && lws_is_ssl(wsi) == 0, false};
}

bool Sockets::send(SocketId socket, std::string_view bytes) {
    if (!library_socket(socket)) return elsewhere_(socket, bytes);
    return send(entries_[socket], bytes);
}

bool Sockets::send(const Entry& entry, std::string_view bytes) {
    if (entry.is_closing) return true;
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    if (lws_write(entry.wsi, data, bytes.size(), LWS_WRITE_RAW) < 0) {
        end_broken(entry.wsi);
        return true;
    }
    if (!lws_partial_buffered(entry.wsi)) return true;
    lws_callback_on_writable(entry.wsi);
    return false;
}

void Sockets::send_all(std::span<Sending> sendings) {
    INVARIANT(sendings.size() <= Uring::sends_max);
    const std::span<const Entry> entries(entries_);
    std::uint32_t added = 0;
    for (std::uint32_t i = 0; i < sendings.size(); ++i) {
        Sending& each = sendings[i];
        const Entry* entry = each.socket < entries.size() ? &entries[each.socket] : nullptr;
        // What the library has kept, of its own pongs too, comes first.
        if (entry && entry->is_direct && !lws_partial_buffered(entry->wsi)) {
            uring_->add(entry->fd, each.bytes, i);
            ++added;
        } else {
            each.is_behind = !send(each.socket, each.bytes);
        }
    }
    if (added == 0) return;
    ++counters_.batches;
    counters_.batched += added;
    for (const Uring::Short& sent : uring_->send()) finish(sent, sendings[sent.tag]);
    if (uring_->failure().empty()) return;
    log_line(LogLevel::warning, "a shard goes on without io_uring: " + uring_->failure());
    uring_.reset();
    for (Entry& entry : entries_) entry.is_direct = false;
}

void Sockets::finish(const Uring::Short& sent, Sending& sending) {
    ++counters_.shorts;
    const Entry& entry = entries_[sending.socket];
    if (sent.error != 0) return end_broken(entry.wsi);
    sending.is_behind = !send(entry, sending.bytes.substr(sent.taken));
}

bool Sockets::close(SocketId socket, CloseCode code) {
    if (!library_socket(socket)) return false;
    entries_[socket].wanted = code;
    to_close_.push_back(socket);
    return true;
}

void Sockets::end_turn(Time now) {
    for (const SocketId socket : std::exchange(to_close_, {})) {
        Entry& entry = entries_[socket];
        // The socket may be gone since, and another one have its place.
        const auto code = static_cast<std::uint16_t>(std::exchange(entry.wanted, {}));
        if (code == 0 || entry.is_closing) continue;
        (void)send(entry, ws::close_frame(code));
        entry.is_closing = true;
        entry.is_direct = false;
        closing_.push_back({socket, entry.wsi, now + close_wait});
    }
}

void Sockets::tick(Time now) {
    std::vector<Closing> waiting;
    for (const Closing& each : std::exchange(closing_, {})) {
        const Entry entry = entries_[each.socket];
        if (entry.wsi != each.wsi || !entry.is_closing) continue;
        if (each.cut_at <= now) {
            cut_off(entry.wsi);
        } else {
            waiting.push_back(each);
        }
    }
    closing_.insert(closing_.end(), waiting.begin(), waiting.end());
}

}  // namespace roost
