#include "daemon/core/sequences.hpp"

namespace roost {

SequenceId Sequences::branch(SequenceId before, FrameId frame, std::string_view bytes) {
    const auto id = static_cast<SequenceId>(places_.size());
    Place place;
    place.frame = frame;
    place.before = before;
    place.count = places_[before].count + 1;
    place.bytes = places_[before].bytes + bytes.size();
    if (place.count == 1) place.text = bytes.data();
    places_.push_back(place);
    places_[before].last_frame = frame;
    places_[before].last_next = id;
    return id;
}

std::span<const FrameId> Sequences::frames(SequenceId sequence) {
    std::size_t left = places_[sequence].count;
    frames_.resize(left);
    for (SequenceId at = sequence; at != none; at = places_[at].before) {
        frames_[--left] = places_[at].frame;
    }
    return frames_;
}

void Sequences::set_text(SequenceId sequence, const char* text) {
    places_[sequence].text = text;
    with_text_.push_back(sequence);
}

void Sequences::forget_texts() {
    for (const SequenceId sequence : with_text_) places_[sequence].text = nullptr;
    with_text_.clear();
}

void Sequences::clear() {
    places_.resize(1);
    places_.front() = Place{};
    with_text_.clear();
}

}  // namespace roost
