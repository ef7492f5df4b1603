// The part of Hub that serves the desk: messages that are not for everybody, and kicks.
#include <algorithm>

#include "daemon/core/hub.hpp"
#include "daemon/core/variants.hpp"
#include "proto/client_binary.hpp"

namespace roost {

std::string_view Hub::user_of(SocketId socket) const {
    const Connection& connection = connections_[socket];
    if (connection.stuck && !connection.stuck->user.empty()) return connection.stuck->user;
    return connection.bearer ? std::string_view(connection.bearer->claims.subject)
                             : std::string_view();
}

DeliveryCounts Hub::on_delivery(const Delivery& delivery) {
    if (const auto* kick = std::get_if<control::Kick>(&delivery.what)) {
        const auto socket = find(kick->session);
        if (!socket || connections_[*socket].is_closing) return {0};
        close(*socket, kick->is_final ? CloseCode::kicked_for_good : CloseCode::kicked);
        return {1};
    }
    const auto& publish = std::get<control::PublishMany>(delivery.what);
    DeliveryCounts counts;
    for (const control::Publish& message : publish.messages) {
        if (outbox_.is_full()) flush();
        if (publish.to) {
            const auto socket = find(*publish.to);
            counts.push_back(socket && push_to(*socket, message) ? 1 : 0);
        } else {
            counts.push_back(deliver_unnumbered(publish, message, delivery.is_counted_only));
        }
    }
    return counts;
}

bool Hub::push_to(SocketId socket, const control::Publish& message) {
    const auto channel = channels_.find(socket, message.topic);
    if (!channel || !channels_.channel(*channel).is_joined()) return false;
    const std::string_view join_ref = channels_.channel(*channel).join_ref();
    std::string raw_topic;
    append_quoted(raw_topic, message.topic);
    ++counters_.deliveries;
    if (message.is_binary && connections_[socket].wire == Wire::v2) {
        auto frame = binary_push_frame(join_ref, raw_topic, message.event, message.payload);
        if (frame) {
            outbox_.put(socket, std::move(*frame));
            return true;
        }
    }
    put_push(socket, join_ref, "null", raw_topic, message.event,
             message.is_binary ? json_of_bytes(message.payload) : message.payload);
    return true;
}

std::uint64_t Hub::deliver_unnumbered(const control::PublishMany& publish,
                                      const control::Publish& message, bool is_counted_only) {
    const auto id = channels_.find_topic(message.topic);
    if (!id) return 0;
    const Topic& topic = channels_.topic(*id);
    const SocketId except =
        publish.except ? find(*publish.except).value_or(Outbox::nobody) : Outbox::nobody;
    const auto broadcast =
        is_counted_only
            ? nullptr
            : Broadcast::encode(
                  origin_, 0,
                  {message.topic, message.event, message.payload, {}, message.is_binary});
    Variants variants(outbox_, broadcast, topic.rule->slow);
    std::uint64_t reached = 0;
    for (std::size_t i = 0; i < topic.members.size(); ++i) {
        const SocketId socket = topic.member_sockets[i];
        if (socket == except) continue;
        if (!publish.to_user.empty() && user_of(socket) != publish.to_user) continue;
        ++reached;
        if (is_counted_only) continue;
        // It has no position: to channels that want one it goes as to the others.
        outbox_.put(socket, variants.of(channels_.channel(topic.members[i]).wire, false));
        ++counters_.deliveries;
    }
    return reached;
}

}  // namespace roost
