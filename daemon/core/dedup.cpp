#include "daemon/core/dedup.hpp"

namespace roost {

bool Dedup::admit(std::string_view topic, std::string_view id, Time now) {
    if (id.empty()) return true;
    const auto drop_oldest = [&] {
        known_.erase(order_.front().second);
        order_.pop_front();
    };
    while (!order_.empty() && order_.front().first + window_ <= now) drop_oldest();
    // Either may hold any byte: the length tells where the topic ends.
    std::string key = std::to_string(topic.size()) + ":";
    key.append(topic).append(id);
    if (!known_.insert(key).second) return false;
    order_.emplace_back(now, std::move(key));
    if (order_.size() > ids_max_) drop_oldest();
    return true;
}

}  // namespace roost
