// fact: what the core has to tell about itself: to the journal, to the counters, to tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace roost {

enum class FactKind : std::uint8_t {
    client_refused,
    client_token_refused,  // at the handshake
    // Of one client's connection, from here to connection_refused.
    client_frame_rejected,
    client_closed_bad_frames,
    client_closed_idle,
    client_closed_slow,
    client_closed_held,
    client_rate_limited,
    client_closed_token,
    token_refused,
    join_refused,
    connection_refused,
    fence_timed_out,
    node_up,
    node_down,
    node_left,
    node_silent,
    node_replaced,
    node_refused,
    refused_by_node,
    caller_turned_away,
    group_message_rejected,
    messages_lost,
    control_request_refused,
    control_client_gone,
    queue_overflow,
    worker_lost,
};
inline constexpr std::size_t fact_kinds = static_cast<std::size_t>(FactKind::worker_lost) + 1;

struct Fact {
    FactKind kind{};
    std::string subject;  // a node's name, a reason: never a payload
    std::string detail;
    std::uint64_t number = 0;
    std::string address{};  // of the client, where one is meant
};

std::string_view name_of(FactKind kind);
// Is its number that of a client's socket?
bool is_of_client(FactKind kind);

}  // namespace roost
