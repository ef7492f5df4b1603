#include "daemon/core/outbox.hpp"

namespace roost {

namespace {
// What a socket takes at once: more would be copied and kept by the sink, beyond our limit.
constexpr std::size_t piece_bytes_max = 65'536;
// As many as the kernel is given at once.
constexpr std::size_t batch_max = 256;
// Pages that no batch needs are never touched.
constexpr std::size_t gathered_bytes_max = 16 * piece_bytes_max;
}  // namespace

Outbox::Outbox(SocketSink& sink, OutboxLimits limits) : sink_(sink), limits_(limits) {
    batch_.reserve(batch_max);
}

void Outbox::open(SocketId socket) {
    if (socket >= boxes_.size()) boxes_.resize(std::size_t{socket} + 1);
    boxes_[socket].is_taking = true;
}

void Outbox::close(SocketId socket) {
    boxes_[socket] = Box{};
}

FrameId Outbox::add(Frame frame) {
    turn_.push_back(std::move(frame));
    return static_cast<FrameId>(turn_.size() - 1);
}

void Outbox::put(SocketId socket, std::string frame) {
    auto owned = std::make_shared<const std::string>(std::move(frame));
    const std::string_view bytes = *owned;
    put(socket, add({std::move(owned), bytes}));
}

void Outbox::put_first(SocketId socket, std::string frame) {
    Box& box = boxes_[socket];
    if (!box.backlog) return;
    auto owned = std::make_shared<const std::string>(std::move(frame));
    const std::string_view bytes = *owned;
    box.backlog->keep_first({std::move(owned), bytes});
}

std::vector<SocketId> Outbox::flush() {
    for (const SocketId socket : dirty_) {
        Box& box = boxes_[socket];
        // A socket may have been closed, and its place taken again, since it was noted here.
        const SequenceId sequence = std::exchange(box.pending, Sequences::none);
        if (sequence == Sequences::none) continue;
        if (box.is_behind) {
            keep(socket, sequences_.frames(sequence));
        } else {
            send(socket, sequence);
        }
    }
    send_batch();
    dirty_.clear();
    turn_.clear();
    sequences_.clear();
    return std::exchange(over_, {});
}

void Outbox::send(SocketId socket, SequenceId sequence) {
    std::string_view text = sequences_.text(sequence);
    if (text.empty()) {
        if (sequences_.bytes(sequence) > piece_bytes_max) return send_in_pieces(socket, sequence);
        // One copy and one send beat several sends, and beat gathering by iovec (measured).
        if (!gather(sequence)) {
            send_batch();
            (void)gather(sequence);
        }
        text = sequences_.text(sequence);
    }
    frames_sent_ += sequences_.count(sequence);
    batch_.push_back({socket, false, text});
    if (batch_.size() == batch_max) send_batch();
}

bool Outbox::gather(SequenceId sequence) {
    if (gathered_.capacity() < gathered_bytes_max) gathered_.reserve(gathered_bytes_max);
    const std::size_t at = gathered_.size();
    if (at + sequences_.bytes(sequence) > gathered_bytes_max) return false;
    for (const FrameId frame : sequences_.frames(sequence)) gathered_.append(turn_[frame].bytes);
    sequences_.set_text(sequence, gathered_.data() + at);
    return true;
}

void Outbox::send_batch() {
    if (batch_.empty()) return;
    sends_ += batch_.size();
    sink_.send_all(batch_);
    for (const Sending& each : batch_) {
        if (each.is_behind) boxes_[each.socket].is_behind = true;
    }
    batch_.clear();
    gathered_.clear();
    sequences_.forget_texts();
}

void Outbox::send_in_pieces(SocketId socket, SequenceId sequence) {
    Box& box = boxes_[socket];
    std::span<const FrameId> frames = sequences_.frames(sequence);
    while (!frames.empty() && !box.is_behind) {
        piece_.clear();
        while (!frames.empty() && piece_.size() < piece_bytes_max) {
            piece_.append(turn_[frames.front()].bytes);
            frames = frames.subspan(1);
            ++frames_sent_;
        }
        ++sends_;
        box.is_behind = !sink_.send(socket, piece_);
    }
    if (!frames.empty()) keep(socket, frames);
}

void Outbox::keep(SocketId socket, std::span<const FrameId> frames) {
    Box& box = boxes_[socket];
    if (!box.backlog) box.backlog = std::make_unique<Backlog>();
    for (const FrameId frame : frames) {
        if (box.backlog->keep(turn_[frame], limits_.bytes_max, skipped_)) continue;
        box.is_taking = false;
        box.backlog.reset();
        over_.push_back(socket);
        return;
    }
}

void Outbox::on_writable(SocketId socket) {
    Box& box = boxes_[socket];
    box.is_behind = false;
    while (box.backlog && !box.is_behind && !box.backlog->is_empty()) {
        piece_.clear();
        frames_sent_ += box.backlog->take(piece_, piece_bytes_max);
        ++sends_;
        box.is_behind = !sink_.send(socket, piece_);
    }
    if (box.backlog && box.backlog->is_empty() && !box.backlog->has_skipped()) box.backlog.reset();
}

std::vector<Skipped> Outbox::take_skipped(SocketId socket) {
    const Box& box = boxes_[socket];
    if (!box.backlog || !box.backlog->has_skipped()) return {};
    return box.backlog->take_skipped();
}

}  // namespace roost
