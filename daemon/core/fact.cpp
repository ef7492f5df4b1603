#include "daemon/core/fact.hpp"

namespace roost {

std::string_view name_of(FactKind kind) {
    static constexpr std::array<std::string_view, fact_kinds> names = {"client_refused",
                                                                       "client_token_refused",
                                                                       "client_frame_rejected",
                                                                       "client_closed_bad_frames",
                                                                       "client_closed_idle",
                                                                       "client_closed_slow",
                                                                       "client_closed_held",
                                                                       "client_rate_limited",
                                                                       "client_closed_token",
                                                                       "token_refused",
                                                                       "join_refused",
                                                                       "connection_refused",
                                                                       "fence_timed_out",
                                                                       "node_up",
                                                                       "node_down",
                                                                       "node_left",
                                                                       "node_silent",
                                                                       "node_replaced",
                                                                       "node_refused",
                                                                       "refused_by_node",
                                                                       "caller_turned_away",
                                                                       "group_message_rejected",
                                                                       "messages_lost",
                                                                       "control_request_refused",
                                                                       "control_client_gone",
                                                                       "queue_overflow",
                                                                       "worker_lost"};
    return names[static_cast<std::size_t>(kind)];
}

bool is_of_client(FactKind kind) {
    return kind >= FactKind::client_frame_rejected && kind <= FactKind::connection_refused;
}

}  // namespace roost
