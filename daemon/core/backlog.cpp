#include "daemon/core/backlog.hpp"

#include <algorithm>

namespace roost {

namespace {
// Markers are small, and there is one for each topic and origin: this many are a client's own
// doing.
constexpr std::size_t skipped_max = 4096;
}  // namespace

bool Backlog::keep(const Frame& frame, std::size_t bytes_max, SkipCounters& counters) {
    if (!replace(frame, counters)) push(frame);
    if (skipped_.size() > skipped_max) return false;
    if (bytes_ <= bytes_max) return true;
    const std::size_t target = bytes_max - bytes_max / 4;
    make_room(target, counters);
    // Otherwise each frame would have to look for room again.
    return bytes_ <= target;
}

void Backlog::push(const Frame& frame) {
    if (frame.may_be_missed() && frame.slow == SlowPolicy::latest) {
        const auto number = first_ + static_cast<std::int64_t>(frames_.size());
        latest_.insert_or_assign(std::string(frame.broadcast->topic()), number);
    }
    // What comes behind a reply or a marker does not overtake it.
    if (!frame.broadcast) latest_.clear();
    bytes_ += frame.bytes.size();
    frames_.push_back(frame);
}

bool Backlog::replace(const Frame& frame, SkipCounters& counters) {
    if (!frame.may_be_missed() || frame.slow != SlowPolicy::latest) return false;
    const auto found = latest_.find(frame.broadcast->topic());
    if (found == latest_.end()) return false;
    Frame& older = frames_[static_cast<std::size_t>(found->second - first_)];
    ++counters.replaced;
    note_skipped(older);
    bytes_ -= older.bytes.size();
    bytes_ += frame.bytes.size();
    older = frame;
    return true;
}

void Backlog::make_room(std::size_t target, SkipCounters& counters) {
    std::deque<Frame> all = std::exchange(frames_, {});
    first_ = 0;
    bytes_ = 0;
    latest_.clear();
    std::size_t all_bytes = 0;
    for (const Frame& frame : all) all_bytes += frame.bytes.size();
    for (const Frame& frame : all) {
        if (all_bytes > target && frame.may_be_missed()) {
            all_bytes -= frame.bytes.size();
            ++counters.dropped;
            note_skipped(frame);
        } else {
            push(frame);
        }
    }
}

void Backlog::note_skipped(const Frame& frame) {
    if (!frame.is_positioned) return;
    const std::uint64_t number = frame.broadcast->number();
    const auto [place, is_new] = skipped_.try_emplace(
        {std::string(frame.broadcast->topic()), frame.broadcast->origin()}, Range{number, number});
    if (is_new) return;
    place->second.from = std::min(place->second.from, number);
    place->second.to = std::max(place->second.to, number);
}

void Backlog::keep_first(Frame frame) {
    --first_;
    bytes_ += frame.bytes.size();
    frames_.push_front(std::move(frame));
}

std::size_t Backlog::take(std::string& text, std::size_t most) {
    std::size_t count = 0;
    for (; !frames_.empty() && text.size() < most; ++count) {
        const Frame& frame = frames_.front();
        text.append(frame.bytes);
        bytes_ -= frame.bytes.size();
        if (!latest_.empty() && frame.may_be_missed()) {
            const auto found = latest_.find(frame.broadcast->topic());
            if (found != latest_.end() && found->second == first_) latest_.erase(found);
        }
        frames_.pop_front();
        ++first_;
    }
    return count;
}

std::vector<Skipped> Backlog::take_skipped() {
    std::vector<Skipped> all;
    for (const auto& [of, range] : std::exchange(skipped_, {})) {
        all.push_back({of.first, of.second, range.from, range.to});
    }
    return all;
}

}  // namespace roost
