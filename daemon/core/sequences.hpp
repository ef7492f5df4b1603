// sequences: which frames of a turn go to a socket, in which order.
//
// The sockets of one topic are sent the same frames one after the other. So what a socket is to be
// sent is not kept as a list of its own but as one number: a place in a tree that all sockets
// share, where each place stands for the frames on the way to it. Whoever is sent the same frames
// stands at the same place, and these frames have to be put together only once.
//
// Cost per frame and socket: one comparison, as the socket before went the same way. Lives for one
// turn; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

using FrameId = std::uint32_t;
using SequenceId = std::uint32_t;

class Sequences {
public:
    static constexpr SequenceId none = 0;

    // The sequence that goes on with this frame after `before`.
    SequenceId next(SequenceId before, FrameId frame, std::string_view bytes) {
        const Place& place = places_[before];
        if (place.last_frame == frame) return place.last_next;
        return branch(before, frame, bytes);
    }

    std::size_t bytes(SequenceId sequence) const { return places_[sequence].bytes; }
    std::uint32_t count(SequenceId sequence) const { return places_[sequence].count; }
    // Until the next call.
    std::span<const FrameId> frames(SequenceId sequence);

    // The bytes of all its frames, one behind the other, where they were put together or may be
    // had as they are.
    std::string_view text(SequenceId sequence) const {
        const Place& place = places_[sequence];
        return {place.text, place.text ? place.bytes : 0};
    }
    // Sets the text, which has to live as long as it is asked for.
    void set_text(SequenceId sequence, const char* text);
    // The texts that were set are gone.
    void forget_texts();

    std::size_t size() const { return places_.size(); }
    void clear();

private:
    static constexpr FrameId no_frame = UINT32_MAX;

    struct Place {
        FrameId frame = no_frame;
        SequenceId before = none;
        // The way that was gone last from here.
        FrameId last_frame = no_frame;
        SequenceId last_next = none;
        std::uint32_t count = 0;
        const char* text = nullptr;
        std::size_t bytes = 0;
    };

    SequenceId branch(SequenceId before, FrameId frame, std::string_view bytes);

    std::vector<Place> places_ = std::vector<Place>(1);
    std::vector<SequenceId> with_text_;
    std::vector<FrameId> frames_;
};

}  // namespace roost
