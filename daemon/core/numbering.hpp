// numbering: the streams of one origin. In each bucket its messages are numbered 1, 2, 3 ...
#pragma once

#include <cstdint>
#include <vector>

#include "proto/broadcast.hpp"

namespace roost {

class Numbering {
public:
    explicit Numbering(const Origin& origin) : origin_(origin) {}

    BroadcastRef publish(std::string_view topic, std::string_view event, std::string_view payload) {
        if (last_.empty()) last_.resize(std::size_t{1} << bucket_bits);
        return Broadcast::encode(origin_, ++last_[bucket_of(topic)], topic, event, payload);
    }

private:
    Origin origin_;
    std::vector<std::uint64_t> last_;
};

}  // namespace roost
