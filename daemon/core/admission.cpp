#include "daemon/core/admission.hpp"

#include <algorithm>

#include "daemon/core/invariant.hpp"

namespace roost {

namespace {
constexpr unsigned v6_site_bits = 64;
}

std::size_t connections_for(std::size_t descriptors, std::size_t spare) {
    const std::size_t others = std::max<std::size_t>(128, descriptors / 8) + spare;
    return descriptors > others ? descriptors - others : 1;
}

std::size_t descriptors_for(std::size_t connections, std::size_t spare) {
    constexpr std::size_t others_min = 4096;
    const std::size_t clients = connections + spare;
    return clients + std::max(others_min, clients / 7 + 1);
}

Address site_of(const Address& address) {
    return address.family == Address::Family::v6 ? address.masked(v6_site_bits) : address;
}

std::size_t* Admission::count(const std::optional<Address>& who, std::size_t Counts::*kind) {
    if (!who || limits_.per_address_max == 0) return nullptr;
    return &(counts_[site_of(*who)].*kind);
}

void Admission::give_back(const std::optional<Address>& who, std::size_t Counts::*kind) {
    if (!who || limits_.per_address_max == 0) return;
    const auto found = counts_.find(site_of(*who));
    INVARIANT(found != counts_.end() && found->second.*kind > 0);
    --(found->second.*kind);
    if (found->second.arrived == 0 && found->second.settled == 0) counts_.erase(found);
}

std::optional<Refusal> Admission::arrive(const std::optional<Address>& who) {
    if (arrived_ + settled_ >= limits_.connections_max + limits_.spare) return Refusal::arrivals;
    if (std::size_t* mine = count(who, &Counts::arrived)) {
        // One that was counted before is there: nothing empty is left behind.
        if (*mine >= limits_.per_address_max) return Refusal::arrivals;
        ++*mine;
    }
    ++arrived_;
    return std::nullopt;
}

void Admission::leave_arrived(const std::optional<Address>& who) {
    INVARIANT(arrived_ > 0);
    --arrived_;
    give_back(who, &Counts::arrived);
}

std::optional<Refusal> Admission::settle(const std::optional<Address>& arrived_as,
                                         const std::optional<Address>& who) {
    if (const auto refusal = settle(who)) return refusal;
    leave_arrived(arrived_as);
    return std::nullopt;
}

std::optional<Refusal> Admission::settle(const std::optional<Address>& who) {
    if (settled_ >= limits_.connections_max) return Refusal::node_full;
    if (std::size_t* mine = count(who, &Counts::settled)) {
        if (*mine >= limits_.per_address_max) return Refusal::address_full;
        ++*mine;
    }
    ++settled_;
    return std::nullopt;
}

void Admission::leave_settled(const std::optional<Address>& who) {
    INVARIANT(settled_ > 0);
    --settled_;
    give_back(who, &Counts::settled);
}

}  // namespace roost
