#include "daemon/edge/visitors.hpp"

namespace roost {

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

void Visitors::leave(Visitor& visitor) {
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
