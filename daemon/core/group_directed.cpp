// The part of Group that brings messages for some clients, and kicks, to the nodes of these.
#include <algorithm>

#include "daemon/core/group.hpp"

namespace roost {

std::vector<Incarnation> Group::view() const {
    std::vector<Incarnation> view;
    for (const auto& [incarnation, peer] : peers_) {
        if (peer.is_up) view.push_back(incarnation);
    }
    return view;
}

std::optional<Incarnation> Group::peer_named(std::string_view name) const {
    for (const auto& [incarnation, peer] : peers_) {
        if (peer.is_up && peer.name == name) return incarnation;
    }
    return std::nullopt;
}

bool Group::ask_delivery(Incarnation incarnation, const control::Request& request) {
    const auto peer = peers_.find(incarnation);
    if (peer == peers_.end()) return false;
    return outlet_.to_contact(peer->second.contact,
                              group::encode(group::DeliveryQuestion{control::encode(request)}));
}

void Group::on_delivery_question(const std::string& route,
                                 const group::DeliveryQuestion& question) {
    const auto read = control::decode_request(question.body);
    if (read && (std::holds_alternative<control::PublishMany>(read->verb) ||
                 std::holds_alternative<control::Kick>(read->verb))) {
        return outlet_.delivery_asked(route, *read);
    }
    outlet_.note({FactKind::group_message_rejected,
                  "deliver? is no publish and no kick",
                  {},
                  question.body.size()});
}

void Group::answer_delivery(const std::string& route, std::uint64_t serial,
                            const DeliveryCounts& counts) {
    // A peer that cannot take it will give its request up.
    outlet_.answer(route, group::encode(group::DeliveryReply{serial, counts}));
}

}  // namespace roost
