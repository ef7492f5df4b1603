// turn_bytes: small pieces of bytes that live until the end of the turn.
//
// They are copied one behind the other into blocks, which stay where they are: one addition for
// each piece, and no memory that is asked for and given back. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace roost {

class TurnBytes {
public:
    static constexpr std::size_t piece_max = 4096;

    // Of a piece that is not longer than the most.
    std::string_view copy(std::string_view piece) {
        if (blocks_.empty() || used_ + piece.size() > block_bytes) {
            blocks_.push_back(std::make_unique<char[]>(block_bytes));
            used_ = 0;
        }
        char* const place = blocks_.back().get() + used_;
        std::memcpy(place, piece.data(), piece.size());
        used_ += piece.size();
        return {place, piece.size()};
    }
    // One block is kept for the next turn.
    void clear() {
        if (blocks_.size() > 1) blocks_.resize(1);
        used_ = 0;
    }

private:
    static constexpr std::size_t block_bytes = 16 * piece_max;

    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t used_ = 0;  // of the last block
};

}  // namespace roost
