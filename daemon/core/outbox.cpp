#include "daemon/core/outbox.hpp"

namespace roost {

namespace {
// What a socket takes at once: more would be copied and kept by the sink, beyond our limit.
constexpr std::size_t piece_bytes_max = 65'536;
// As many as the kernel is given at once.
constexpr std::size_t batch_max = 256;
// Pages that no batch needs are never touched.
constexpr std::size_t gathered_bytes_max = 16 * piece_bytes_max;

Frame owned_frame(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    const std::string_view bytes = *owner;
    return {std::move(owner), bytes};
}

}  // namespace

Outbox::Outbox(SocketSink& sink, OutboxLimits limits)
    : sink_(sink), limits_(limits), batch_(batch_max) {}

void Outbox::open(SocketId socket) {
    if (socket >= boxes_.size()) boxes_.resize(std::size_t{socket} + 1);
    boxes_[socket].pending = Sequences::none;
}

void Outbox::close(SocketId socket) {
    boxes_[socket] = Box{};
}

FrameId Outbox::add(Frame frame) {
    turn_.push_back(std::move(frame));
    return static_cast<FrameId>(turn_.size() - 1);
}

void Outbox::put_all(std::span<const SocketId> sockets, FrameId frame, SocketId but) {
    const std::string_view bytes = turn_[frame].bytes;
    Box* const boxes = boxes_.data();
    // Given the frame like the others, and then not.
    const SequenceId before = but == nobody ? closed : boxes[but].pending;
    // The step of the socket before: mostly this one takes it too.
    SequenceId from = closed, to = closed;
    for (const SocketId socket : sockets) {
        SequenceId& pending = boxes[socket].pending;
        if (pending != from) {
            from = pending;
            to = from == closed ? closed : sequences_.next(from, frame, bytes);
        }
        pending = to;
        if (from == Sequences::none) dirty_.push_back(socket);
    }
    if (but != nobody) boxes[but].pending = before;
}

void Outbox::put(SocketId socket, std::string_view frame) {
    if (frame.size() > TurnBytes::piece_max) return put(socket, std::string(frame));
    put(socket, add({nullptr, own_bytes_.copy(frame)}));
}

void Outbox::put(SocketId socket, std::string&& frame) {
    if (frame.size() <= TurnBytes::piece_max) return put(socket, std::string_view(frame));
    put(socket, add(owned_frame(std::move(frame))));
}

void Outbox::put_first(SocketId socket, std::string frame) {
    Box& box = boxes_[socket];
    if (box.backlog) box.backlog->keep_first(owned_frame(std::move(frame)));
}

inline void Outbox::send_ready(SocketId socket) {
    frames_sent_ += ready_count_;
    batch_[batched_++] = {socket, false, ready_text_};
    if (batched_ == batch_max) send_batch();
}

std::vector<SocketId> Outbox::flush() {
    for (const SocketId socket : dirty_) {
        Box& box = boxes_[socket];
        const SequenceId sequence = box.pending;
        // A socket may have been closed, and its place taken again, since it was noted here.
        if (sequence == Sequences::none || sequence == closed) continue;
        box.pending = Sequences::none;
        if (box.is_behind) {
            keep(socket, sequences_.frames(sequence));
        } else if (sequence == ready_) {
            send_ready(socket);
        } else {
            send(socket, sequence);
        }
    }
    send_batch();
    dirty_.clear();
    turn_.clear();
    sequences_.clear();
    own_bytes_.clear();
    return std::exchange(over_, {});
}

void Outbox::send(SocketId socket, SequenceId sequence) {
    if (!make_ready(sequence)) {
        if (sequences_.bytes(sequence) > piece_bytes_max) return send_in_pieces(socket, sequence);
        send_batch();
        (void)make_ready(sequence);
    }
    send_ready(socket);
}

bool Outbox::make_ready(SequenceId sequence) {
    if (sequences_.text(sequence).empty()) {
        const std::size_t bytes = sequences_.bytes(sequence), at = gathered_.size();
        if (bytes > piece_bytes_max || at + bytes > gathered_bytes_max) return false;
        if (gathered_.capacity() < gathered_bytes_max) gathered_.reserve(gathered_bytes_max);
        // One copy and one send beat several sends, and beat gathering by iovec (measured).
        for (const FrameId frame : sequences_.frames(sequence)) {
            gathered_.append(turn_[frame].bytes);
        }
        sequences_.set_text(sequence, gathered_.data() + at);
    }
    ready_ = sequence;
    ready_count_ = sequences_.count(sequence);
    ready_text_ = sequences_.text(sequence);
    return true;
}

void Outbox::send_batch() {
    const std::span<Sending> batch(batch_.data(), std::exchange(batched_, 0));
    ready_ = Sequences::none;
    if (batch.empty()) return;
    sends_ += batch.size();
    sink_.send_all(batch);
    for (const Sending& each : batch) {
        if (each.is_behind) boxes_[each.socket].is_behind = true;
    }
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
        // What is one socket's own lives only for the turn.
        Frame& kept = turn_[frame];
        if (!kept.owner) kept = owned_frame(std::string(kept.bytes));
        if (box.backlog->keep(kept, limits_.bytes_max, skipped_)) continue;
        box.pending = closed;
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
