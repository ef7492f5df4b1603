#include "daemon/core/refusal_delays.hpp"

#include <algorithm>

#include "daemon/core/admission.hpp"

namespace roost {

RefusalDelays::RefusalDelays(DelayLimits limits)
    : limits_(limits), refusals_max_(limits.at_once + 1) {
    for (auto delay = limits_.first; delay < limits_.longest; delay *= 2) ++refusals_max_;
}

Duration RefusalDelays::next(const Address& client, Time now) {
    History& history = history_of(site_of(client), now);
    const auto forgiven = (now - history.forgiven_until) / limits_.forgiven_after;
    history.refusals -= static_cast<unsigned>(std::min<Duration::rep>(history.refusals, forgiven));
    history.forgiven_until += forgiven * limits_.forgiven_after;
    if (history.refusals == 0) history.forgiven_until = now;
    history.refusals = std::min(history.refusals + 1, refusals_max_);
    if (history.refusals <= limits_.at_once) return {};
    const auto doublings = history.refusals - limits_.at_once - 1;
    return std::min(limits_.first * (Duration::rep{1} << doublings), limits_.longest);
}

RefusalDelays::History& RefusalDelays::history_of(const Address& site, Time now) {
    const auto known = histories_.find(site);
    if (known != histories_.end()) {
        by_last_refusal_.splice(by_last_refusal_.end(), by_last_refusal_, known->second.place);
        return known->second;
    }
    make_room(now);
    History& history = histories_[site];
    history.forgiven_until = now;
    history.place = by_last_refusal_.insert(by_last_refusal_.end(), site);
    return history;
}

void RefusalDelays::make_room(Time now) {
    while (!by_last_refusal_.empty()) {
        const auto quiet = histories_.find(by_last_refusal_.front());
        const History& history = quiet->second;
        const auto all_forgiven = limits_.forgiven_after * history.refusals;
        const bool is_needed = now - history.forgiven_until < all_forgiven;
        if (is_needed && histories_.size() < limits_.addresses_max) return;
        by_last_refusal_.pop_front();
        histories_.erase(quiet);
    }
}

}  // namespace roost
