#include "daemon/core/outbox.hpp"

namespace roost {

void Outbox::open(SocketId socket) {
    if (socket >= boxes_.size()) boxes_.resize(std::size_t{socket} + 1);
    boxes_[socket].is_open = true;
}

void Outbox::close(SocketId socket) {
    Box& box = boxes_[socket];
    box.pending.clear();
    box.waiting.reset();
    box.waiting_bytes = 0;
    box.is_open = false;
    box.is_behind = false;
    box.is_over = false;
}

std::uint32_t Outbox::add(std::shared_ptr<const void> owner, std::string_view bytes) {
    turn_.push_back({std::move(owner), bytes});
    return static_cast<std::uint32_t>(turn_.size() - 1);
}

void Outbox::put(SocketId socket, std::string frame) {
    auto owned = std::make_shared<const std::string>(std::move(frame));
    const std::string_view bytes = *owned;
    put(socket, add(std::move(owned), bytes));
}

namespace {
// What a socket takes at once: more would be copied and kept by the sink, beyond our limit.
constexpr std::size_t piece_bytes_max = 65'536;
}  // namespace

std::size_t Outbox::send_pending(SocketId socket, Box& box) {
    std::size_t at = 0;
    while (at < box.pending.size() && !box.is_behind) {
        std::string_view bytes = turn_[box.pending[at++]].bytes;
        if (at < box.pending.size()) {
            // One copy and one send beat several sends, and beat gathering by iovec (measured).
            gathered_.assign(bytes);
            while (at < box.pending.size() && gathered_.size() < piece_bytes_max) {
                gathered_.append(turn_[box.pending[at++]].bytes);
            }
            bytes = gathered_;
        }
        ++sends_;
        if (!sink_.send(socket, bytes)) box.is_behind = true;
    }
    frames_sent_ += at;
    return at;
}

bool Outbox::keep_pending(Box& box, std::size_t at) {
    if (!box.waiting) box.waiting = std::make_unique<std::deque<Frame>>();
    for (; at < box.pending.size(); ++at) {
        box.waiting->push_back(turn_[box.pending[at]]);
        box.waiting_bytes += box.waiting->back().bytes.size();
    }
    if (box.waiting_bytes <= limits_.bytes_max) return true;
    box.is_over = true;
    box.waiting.reset();
    box.waiting_bytes = 0;
    return false;
}

std::vector<SocketId> Outbox::flush() {
    std::vector<SocketId> over;
    for (const SocketId socket : dirty_) {
        Box& box = boxes_[socket];
        // A socket may have been closed, and its place taken again, since it was noted here.
        if (box.is_open && !box.pending.empty()) {
            const std::size_t sent = box.is_behind ? 0 : send_pending(socket, box);
            if (sent < box.pending.size() && !keep_pending(box, sent)) over.push_back(socket);
        }
        box.pending.clear();
    }
    dirty_.clear();
    turn_.clear();
    return over;
}

void Outbox::on_writable(SocketId socket) {
    Box& box = boxes_[socket];
    if (!box.is_open) return;
    box.is_behind = false;
    if (!box.waiting) return;
    while (!box.is_behind && !box.waiting->empty()) {
        gathered_.clear();
        while (!box.waiting->empty() && gathered_.size() < piece_bytes_max) {
            gathered_.append(box.waiting->front().bytes);
            box.waiting_bytes -= box.waiting->front().bytes.size();
            box.waiting->pop_front();
            ++frames_sent_;
        }
        ++sends_;
        if (!sink_.send(socket, gathered_)) box.is_behind = true;
    }
    if (box.waiting->empty()) box.waiting.reset();
}

}  // namespace roost
