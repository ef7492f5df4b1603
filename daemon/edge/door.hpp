// door: who is let in: one of a node, shared by its shards.
//
// Holds what was configured, and counts what all shards have let in or refused. Any thread may
// call; it is asked when a connection comes, when it becomes a WebSocket, and when it goes.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/core/admission.hpp"
#include "daemon/core/client_address.hpp"
#include "daemon/core/refusal.hpp"
#include "daemon/core/refusal_delays.hpp"
#include "daemon/core/time.hpp"
#include "daemon/edge/log.hpp"
#include "proto/web_origin.hpp"

namespace roost {

struct DoorRules {
    AllowedOrigins origins;
    TrustedProxies proxies;
    AdmissionLimits limits;
    Duration handshake_timeout = std::chrono::seconds(10);
    std::size_t header_bytes_max = 8192;
    bool has_echo = false;
    // A backend decides who connects, and is told these headers, in small letters.
    bool asks_backend = false;
    std::vector<std::string> forwarded_headers{};
};

class Door {
public:
    Door(DoorRules rules, FactLog& facts);

    const DoorRules& rules() const { return rules_; }

    // False: it is to be closed. Otherwise leave() follows at its end.
    bool arrive(const Address& peer);
    std::optional<Refusal> settle(const Address& peer, const Address& client);
    // A client that polls, whose connections come and go. leave() with is_settled follows.
    std::optional<Refusal> settle(const Address& client);
    void leave(const Address& peer, const Address& client, bool is_settled);

    // Counts a refusal, and notes it.
    void refuse(Refusal reason, const Address& client, std::string_view detail = {});
    // How long the answer to a refused token should wait.
    Duration delay_of_refusal(const Address& client, Time now);
    void count_delayed() { delayed_.fetch_add(1, std::memory_order_relaxed); }
    // Prometheus text.
    std::string metrics() const;

private:
    // Nothing where many clients would have the same address.
    std::optional<Address> counted(const Address& address) const;

    const DoorRules rules_;
    FactLog& facts_;
    mutable std::mutex mutex_;
    Admission admission_;
    RefusalDelays delays_;
    std::array<std::atomic<std::uint64_t>, refusals> refused_{};
    std::atomic<std::uint64_t> delayed_{0};
};

}  // namespace roost
