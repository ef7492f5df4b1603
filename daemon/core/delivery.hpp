// delivery: what shards are asked to do for the desk, and then to count.
//
// Messages that have no place in a stream (to one session, to a user, on this node only), the
// closing of a connection; or, of messages that were published, only how many channels they reach.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "proto/control.hpp"

namespace roost {

struct Delivery {
    std::variant<control::PublishMany, control::Kick> what;
    bool is_counted_only = false;
};
// Shared by the shards.
using DeliveryRef = std::shared_ptr<const Delivery>;

// How many channels each of the messages reached; of a kick, how many connections.
using DeliveryCounts = std::vector<std::uint64_t>;

inline std::size_t parts_of(const Delivery& delivery) {
    const auto* publish = std::get_if<control::PublishMany>(&delivery.what);
    return publish ? publish->messages.size() : 1;
}

}  // namespace roost
