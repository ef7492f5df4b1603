#include "tests/contract/edge_thread.hpp"

#include <random>

#include "daemon/edge/start_error.hpp"

namespace roost::contract {

namespace {

template <class... Arguments>
void ignore_unless_given(std::function<void(Arguments...)>& event) {
    if (!event) event = [](Arguments...) {};
}

}  // namespace

BoundSockets bind_anywhere(Loop& loop, const std::vector<GroupKey>& keys,
                           GroupSocketEvents events) {
    ignore_unless_given(events.on_subscription);
    ignore_unless_given(events.on_published);
    ignore_unless_given(events.on_call);
    ignore_unless_given(events.on_answer);
    ignore_unless_given(events.on_link);
    ignore_unless_given(events.on_handshake_failed);
    ignore_unless_given(events.on_not_admitted);
    ignore_unless_given(events.on_turned_away);
    std::random_device random;
    constexpr int tries = 100;
    for (int i = 1;; ++i) {
        // Below the ports that systems give to connections of their own.
        const auto port = static_cast<std::uint16_t>(12'000 + 2 * (random() % 9'000));
        BoundSockets bound;
        bound.context = std::make_unique<zmq::context_t>();
        bound.publisher = {"127.0.0.1", static_cast<std::uint16_t>(port + 1)};
        try {
            bound.sockets = std::make_unique<GroupSockets>(
                loop, *bound.context, Endpoint{"127.0.0.1", port}, keys, SIZE_MAX, events);
            return bound;
        } catch (const StartError&) {
            if (i == tries) throw;
        }
    }
}

}  // namespace roost::contract
