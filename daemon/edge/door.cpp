#include "daemon/edge/door.hpp"

#include <algorithm>

namespace roost {

namespace {

// Whoever waits must not be late for the handshake by it.
DelayLimits delay_limits(Duration handshake_timeout) {
    DelayLimits limits;
    limits.longest = std::min(limits.longest, handshake_timeout / 2);
    return limits;
}

}  // namespace

Door::Door(DoorRules rules, FactLog& facts)
    : rules_(std::move(rules)),
      facts_(facts),
      admission_(rules_.limits),
      delays_(delay_limits(rules_.handshake_timeout)) {}

std::optional<Address> Door::counted(const Address& address) const {
    if (address.family == Address::Family::local || rules_.proxies.trust(address)) {
        return std::nullopt;
    }
    return address;
}

bool Door::arrive(const Address& peer) {
    std::optional<Refusal> refusal;
    {
        const std::lock_guard lock(mutex_);
        refusal = admission_.arrive(counted(peer));
    }
    if (refusal) refuse(*refusal, peer);
    return !refusal;
}

std::optional<Refusal> Door::settle(const Address& peer, const Address& client) {
    const std::lock_guard lock(mutex_);
    return admission_.settle(counted(peer), counted(client));
}

std::optional<Refusal> Door::settle(const Address& client) {
    const std::lock_guard lock(mutex_);
    return admission_.settle(counted(client));
}

void Door::leave(const Address& peer, const Address& client, bool is_settled) {
    const std::lock_guard lock(mutex_);
    if (is_settled) {
        admission_.leave_settled(counted(client));
    } else {
        admission_.leave_arrived(counted(peer));
    }
}

void Door::refuse(Refusal reason, const Address& client, std::string_view detail) {
    refused_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
    const bool is_token = reason == Refusal::token;
    facts_.note({is_token ? FactKind::client_token_refused : FactKind::client_refused,
                 std::string(name_of(reason)), std::string(detail), 0, client.text()});
}

Duration Door::delay_of_refusal(const Address& client, Time now) {
    const auto who = counted(client);
    if (!who) return {};
    const std::lock_guard lock(mutex_);
    return delays_.next(*who, now);
}

std::string Door::metrics() const {
    std::string text = "# TYPE roost_connections_max gauge\nroost_connections_max " +
                       std::to_string(rules_.limits.connections_max) + "\n";
    {
        const std::lock_guard lock(mutex_);
        text += "# TYPE roost_connections_arriving gauge\nroost_connections_arriving " +
                std::to_string(admission_.arrived()) + "\n";
    }
    text += "# TYPE roost_clients_refused_total counter\n";
    for (std::size_t i = 0; i < refusals; ++i) {
        text.append("roost_clients_refused_total{reason=\"");
        text.append(name_of(static_cast<Refusal>(i))).append("\"} ");
        text.append(std::to_string(refused_[i].load(std::memory_order_relaxed))).append("\n");
    }
    return text + "# TYPE roost_refusals_delayed_total counter\nroost_refusals_delayed_total " +
           std::to_string(delayed_.load(std::memory_order_relaxed)) + "\n";
}

}  // namespace roost
