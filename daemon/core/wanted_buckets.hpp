// wanted_buckets: which broadcasts any other node has subscribed to.
//
// What nobody wants need not be handed to ZeroMQ, which would look for subscribers and find none.
// Fed with what an XPUB socket tells: the first subscription of a key, and the end of the last.
// Not thread-safe.
#pragma once

#include <bitset>
#include <cstddef>
#include <string_view>

#include "proto/big_endian.hpp"
#include "proto/broadcast.hpp"

namespace roost {

class WantedBuckets {
public:
    // \1 and a key, or \0 and a key.
    void on_event(std::string_view event) {
        if (event.empty()) return;
        const bool is_wanted = event.front() == '\1';
        const auto key = event.substr(1);
        if (!key.empty() && key.front() != Broadcast::key_byte) return;
        if (key.size() == key_bytes) {
            buckets_[read_big_endian<Bucket>(&key[1])] = is_wanted;
        } else if (is_wanted) {
            ++others_;
        } else if (others_ > 0) {
            --others_;
        }
    }

    bool has(Bucket bucket) const { return others_ > 0 || buckets_[bucket]; }

private:
    static constexpr std::size_t key_bytes = 3;

    std::bitset<std::size_t{1} << bucket_bits_max> buckets_;
    std::size_t others_ = 0;  // no node's: whoever has them may want anything
};

}  // namespace roost
