// numbering: the streams of one origin. In each bucket its messages are numbered 1, 2, 3 ...
#pragma once

#include <cstdint>
#include <vector>

#include "proto/broadcast.hpp"

namespace roost {

class Numbering {
public:
    Numbering(const Origin& origin, unsigned interest_bits)
        : origin_(origin), interest_bits_(interest_bits) {}

    BroadcastRef publish(const Broadcast::Content& content) {
        if (last_.empty()) last_.resize(std::size_t{1} << interest_bits_);
        const Bucket bucket = bucket_of(content.topic, interest_bits_);
        return Broadcast::encode(origin_, ++last_[bucket], content, interest_bits_);
    }

private:
    Origin origin_;
    unsigned interest_bits_;
    std::vector<std::uint64_t> last_;
};

}  // namespace roost
