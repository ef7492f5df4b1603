// The part of Hub that serves clients that do not read as fast as they are told.
#include "daemon/core/hub.hpp"

namespace roost {

void Hub::on_writable(SocketId socket) {
    // What was missed is older than what waits of its topic, so it is told first.
    for (const Skipped& skipped : outbox_.take_skipped(socket)) tell_skipped(socket, skipped);
    outbox_.on_writable(socket);
}

void Hub::tell_skipped(SocketId socket, const Skipped& skipped) {
    const auto channel = channels_.find(socket, skipped.topic);
    if (!channel || !channels_.channel(*channel).is_positioned) return;
    // Unlike what is lost between nodes it may be in the history.
    const std::string payload = R"({"origin":")" + origin_text(skipped.origin) + R"(","from":)" +
                                std::to_string(skipped.from) + R"(,"to":)" +
                                std::to_string(skipped.to) + R"(,"slow":true})";
    std::string raw_topic, raw_position;
    append_quoted(raw_topic, skipped.topic);
    append_quoted(raw_position, position_text(skipped.origin, skipped.to));
    outbox_.put_first(socket, push_frame(connections_[socket].wire, "null", raw_position, raw_topic,
                                         "roost:gap", payload));
}

}  // namespace roost
