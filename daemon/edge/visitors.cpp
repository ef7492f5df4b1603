#include "daemon/edge/visitors.hpp"

namespace roost {

namespace {
// Of one shard. Each holds a connection, with what the kernel and TLS keep for it.
constexpr std::size_t postponed_max = 1000;
}  // namespace

Visitors::~Visitors() {
    while (!expected_.empty()) leave(expected_.front());
    while (!settled_.empty()) leave(settled_.front());
}

Visitor* Visitors::arrive(const Address& peer, Time now) {
    if (!door_.arrive(peer)) return nullptr;
    Visitor& visitor = expected_.emplace_back();
    visitor.peer = visitor.client = peer;
    visitor.late_at = now + door_.rules().handshake_timeout;
    visitor.self = std::prev(expected_.end());
    return &visitor;
}

void Visitors::expect(Visitor& visitor, Time now) {
    if (visitor.is_settled) return;
    visitor.late_at = now + door_.rules().handshake_timeout;
    expected_.splice(expected_.end(), expected_, visitor.self);
}

std::optional<Refusal> Visitors::settle(Visitor& visitor, const Address& client) {
    if (visitor.is_settled) return std::nullopt;
    if (const auto refusal = door_.settle(visitor.peer, client)) return refusal;
    visitor.client = client;
    visitor.is_settled = true;
    settled_.splice(settled_.end(), expected_, visitor.self);
    return std::nullopt;
}

bool Visitors::postpone(Visitor& visitor, const Refused& refused, Time until, Time now) {
    if (postponed_.size() >= postponed_max) return false;
    expect(visitor, now);
    const auto place = postponed_.emplace(until, &visitor);
    visitor.postponed = std::make_unique<Postponed>(Postponed{refused, false, place});
    return true;
}

std::optional<Visitors::Due> Visitors::next_to_refuse(Time now) {
    if (postponed_.empty() || postponed_.begin()->first > now) return std::nullopt;
    Visitor& visitor = *postponed_.begin()->second;
    postponed_.erase(postponed_.begin());
    const Due due{visitor.wsi, visitor.postponed->refused};
    visitor.postponed.reset();
    return due;
}

void Visitors::leave(Visitor& visitor) {
    if (visitor.postponed) postponed_.erase(visitor.postponed->place);
    door_.leave(visitor.peer, visitor.client, visitor.is_settled);
    (visitor.is_settled ? settled_ : expected_).erase(visitor.self);
}

Visitor* Visitors::next_late(Time now) {
    while (!expected_.empty() && expected_.front().late_at <= now) {
        Visitor& late = expected_.front();
        expect(late, now);
        if (!late.is_waiting) return &late;
    }
    return nullptr;
}

}  // namespace roost
