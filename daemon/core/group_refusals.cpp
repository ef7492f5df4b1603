// The part of Group that knows who is not let in.
#include "daemon/core/group.hpp"

namespace roost {

// Strangers can name any number of addresses.
void Group::show_refused(const Endpoint& router, const std::string& name, const std::string& reason,
                         Time now) {
    if (refused_callers_.size() >= config_.found_max && !refused_callers_.contains(router)) return;
    const auto [it, is_first] = refused_callers_.try_emplace(router);
    it->second.seen = now;
    if (!is_first && it->second.reason == reason) return;
    it->second = RefusedCaller{name, reason, now, now};
    const std::string subject = name.empty() ? router.text() : name + " at " + router.text();
    outlet_.note({FactKind::node_refused, subject, reason, 0});
}

void Group::on_caller_not_admitted(const std::string& seen_host, const std::string& reason,
                                   Time now) {
    if (!has_left_) show_refused({seen_host, 0}, {}, reason, now);
}

void Group::on_caller_turned_away(const std::string& seen_host, const std::string& reason,
                                  Time now) {
    if (has_left_) return;
    if (turned_away_.size() >= config_.found_max && !turned_away_.contains(seen_host)) return;
    TurnedAway& caller = turned_away_.try_emplace(seen_host, TurnedAway{now, now}).first->second;
    caller.seen = now;
    if (now - caller.since < config_.refused_after) return;
    show_refused({seen_host, 0}, {}, reason, now);
}

void Group::on_doubtful_beacon(const std::string& seen_host, std::string_view datagram,
                               const std::string& reason, Time now) {
    if (has_left_) return;
    const auto beacon = decode_beacon(datagram);
    if (!beacon || beacon->group != config_.group || beacon->goodbye) return;
    // A stranger can speak in the name of a peer, and of this node.
    if (beacon->incarnation == config_.incarnation) return;
    if (peers_.contains(beacon->incarnation)) return;
    show_refused(
        {beacon->router.host.empty() ? seen_host : beacon->router.host, beacon->router.port}, {},
        reason, now);
}

// What libzmq makes of such a connection differs: some it tries again and again, some it gives up
// for good. So the socket is replaced in any case.
void Group::on_handshake_failed(ContactId id, const std::string& reason, Time now) {
    const auto found = contacts_.find(id);
    if (has_left_ || found == contacts_.end() || found->second.reopening) return;
    Contact& contact = found->second;
    contact.key = (contact.key + 1) % config_.keys;  // the other one may be right
    ++contact.keys_failed;
    const bool has_tried_all = contact.keys_failed % config_.keys == 0;
    contact.reopening = has_tried_all ? now + config_.hello_interval : now;
    // A node that ends in the midst of a handshake looks the same: it has to happen again.
    if (has_tried_all && contact.keys_failed > config_.keys) on_refusal(id, reason, now);
}

void Group::forget_refusals(Time now) {
    std::erase_if(refused_callers_, [&](const auto& caller) {
        return now - caller.second.seen > config_.forget_after;
    });
    std::erase_if(turned_away_, [&](const auto& caller) {
        return now - caller.second.seen > config_.refusal_holds;
    });
    for (auto& [id, contact] : contacts_) {
        if (contact.state != ContactState::refused) continue;
        if (now - contact.answered <= config_.refusal_holds) continue;
        contact.state = ContactState::calling;
        contact.reason.clear();
        contact.since = now;
    }
}

void Group::reopen_contacts(Time now) {
    for (auto& [id, contact] : contacts_) {
        if (!contact.reopening) continue;
        outlet_.close_contact(id);  // it would call again, and often
        if (now < *contact.reopening) continue;
        contact.reopening.reset();
        outlet_.open_contact(id, contact.router, contact.key);
        // A peer too: its other life may have another key, and is waited for.
        contact.is_urgent = true;
        contact.next_hello = now;
    }
}

}  // namespace roost
