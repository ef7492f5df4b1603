// The part of Group that knows who is in it.
#include "daemon/core/group.hpp"
#include "daemon/core/invariant.hpp"

namespace roost {

namespace {

constexpr std::size_t gossip_max = 256;

std::uint64_t milliseconds(Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

group::Identity Group::identity() const {
    group::Identity self;
    self.group = config_.group;
    self.name = config_.name;
    self.incarnation = config_.incarnation;
    self.host = config_.advertised_host;
    self.router_port = config_.router_port;
    self.pub_port = config_.pub_port;
    self.bits = config_.interest_bits;
    for (const auto& [incarnation, peer] : peers_) {
        if (peer.is_up && !peer.is_silent && self.known.size() < gossip_max) {
            self.known.push_back(contacts_.at(peer.contact).router);
        }
    }
    return self;
}

std::optional<ContactId> Group::find_contact(const Endpoint& router) const {
    const auto found = by_router_.find(router);
    if (found == by_router_.end()) return std::nullopt;
    return found->second;
}

std::optional<ContactId> Group::add_contact(const Endpoint& router, bool is_configured, Time now) {
    if (const auto known = find_contact(router)) return known;
    if (!is_configured && contacts_.size() >= config_.found_max) return std::nullopt;
    const ContactId id = ++last_contact_;
    Contact& contact = contacts_[id];
    contact.router = router;
    by_router_[router] = id;
    contact.is_configured = is_configured;
    contact.since = contact.answered = contact.next_hello = now;
    outlet_.open_contact(id, router, contact.key);
    return id;
}

// Another contact may be another name of the same node, and need its publisher still.
void Group::release_publisher(Contact& contact) {
    const auto publisher = std::exchange(contact.publisher, std::nullopt);
    if (!publisher) return;
    for (const auto& [id, other] : contacts_) {
        if (other.publisher == publisher) return;
    }
    outlet_.stop_listening_to(*publisher);
}

void Group::drop_contact(ContactId id) {
    release_publisher(contacts_.at(id));
    outlet_.close_contact(id);
    by_router_.erase(contacts_.at(id).router);
    contacts_.erase(id);
}

void Group::call(ContactId id, Time now) {
    const bool is_sent = outlet_.to_contact(id, group::encode(group::Hello{identity()}));
    contacts_.at(id).next_hello = is_sent ? now + config_.hello_interval : now;
    if (is_sent) contacts_.at(id).is_urgent = false;
}

void Group::call_contacts(Time now) {
    reopen_contacts(now);
    std::vector<ContactId> due, lost;
    for (auto& [id, contact] : contacts_) {
        const bool is_settled =
            contact.state == ContactState::met || contact.state == ContactState::alias;
        if (is_settled && !peers_.contains(contact.incarnation)) {
            contact.state = ContactState::calling;
            contact.since = contact.answered = now;
        }
        const bool is_open =
            contact.state == ContactState::calling || contact.state == ContactState::refused;
        if (is_open && !contact.is_configured && now - contact.answered > config_.forget_after) {
            lost.push_back(id);
        } else if (is_open || contact.state == ContactState::met) {
            // A peer is called too, seldom: its answer tells of the nodes that it knows.
            const bool is_seldom = contact.state == ContactState::met && !contact.is_urgent;
            const auto interval = is_seldom ? 5 : 1;
            if (now >= contact.next_hello + (interval - 1) * config_.hello_interval) {
                due.push_back(id);
            }
        }
    }
    for (const ContactId id : lost) drop_contact(id);
    for (const ContactId id : due) call(id, now);
    forget_refusals(now);
}

void Group::on_call(const std::string& route, const std::string& seen_host, std::string_view bytes,
                    Time now) {
    if (has_left_) return;
    now_ = now;
    const auto message = group::decode_directed(bytes, config_.interest_bits);
    if (!message) {
        outlet_.note({FactKind::group_message_rejected, message.error(), seen_host, bytes.size()});
    } else if (const auto* hello = std::get_if<group::Hello>(&*message)) {
        on_hello(route, seen_host, hello->identity, now);
    } else if (const auto* where = std::get_if<group::Where>(&*message)) {
        on_where(route, *where);
    } else if (const auto* repair = std::get_if<group::Repair>(&*message)) {
        on_repair(route, *repair);
    } else if (const auto* question = std::get_if<group::HistoryQuestion>(&*message)) {
        on_history_question(route, *question, now);
    } else if (const auto* poll = std::get_if<group::PollQuestion>(&*message)) {
        on_poll_question(route, *poll);
    } else if (const auto* offer = std::get_if<group::Offer>(&*message)) {
        on_offer(*offer);
    } else if (const auto* asked = std::get_if<group::BackendQuestion>(&*message)) {
        on_backend_question(route, *asked);
    } else if (const auto* delivery = std::get_if<group::DeliveryQuestion>(&*message)) {
        on_delivery_question(route, *delivery);
    } else if (const auto* other = std::get_if<group::OtherVersion>(&*message)) {
        refuse_caller(route, {seen_host, 0}, seen_host,
                      "protocol version " + std::to_string(other->version) + ", this node speaks " +
                          std::to_string(group::protocol_version),
                      now);
    }
}

std::optional<std::string> Group::objection_to(const group::Identity& node,
                                               const Endpoint& router) const {
    if (node.group != config_.group) {
        return "group '" + node.group + "', this node is of group '" + config_.group + "'";
    }
    if (node.bits != config_.interest_bits) {
        return "interest of " + std::to_string(node.bits) + " bits, this node uses " +
               std::to_string(config_.interest_bits);
    }
    if (node.name == config_.name && node.incarnation != config_.incarnation) {
        return "name '" + node.name + "' is this node's own name";
    }
    for (const auto& [incarnation, peer] : peers_) {
        const bool is_moved = contacts_.at(peer.contact).router != router;
        if (peer.name == node.name && incarnation != node.incarnation && peer.is_up &&
            !peer.is_silent && is_moved) {
            return "name '" + node.name + "' is taken by the node at " +
                   contacts_.at(peer.contact).router.text();
        }
    }
    return std::nullopt;
}

void Group::refuse_caller(const std::string& route, const Endpoint& router, const std::string& name,
                          const std::string& reason, Time now) {
    outlet_.answer(route, group::encode(group::Refusal{reason}));
    show_refused(router, name, reason, now);
}

void Group::on_hello(const std::string& route, const std::string& seen_host,
                     const group::Identity& caller, Time now) {
    const Endpoint router{caller.host.empty() ? seen_host : caller.host, caller.router_port};
    if (caller.incarnation != config_.incarnation) {
        if (const auto reason = objection_to(caller, router)) {
            return refuse_caller(route, router, caller.name, *reason, now);
        }
        refused_callers_.erase(router);
    }
    outlet_.answer(route, group::encode(group::Welcome{identity()}));
    if (caller.incarnation == config_.incarnation || peers_.contains(caller.incarnation)) return;
    turned_away_.erase(seen_host);
    if (router.host.empty() || router.port == 0) return;
    const auto id = add_contact(router, false, now);
    if (!id) return;
    Contact& contact = contacts_.at(*id);
    contact.answered = now;  // it lives: it called
    contact.is_urgent = true;
    if (contact.reopening) contact.reopening = now;
    call(*id, now);
}

void Group::on_answer(ContactId id, std::string_view bytes, Time now) {
    if (!contacts_.contains(id)) return;
    now_ = now;
    const auto message = group::decode_directed(bytes, config_.interest_bits);
    const auto peer = peers_.find(contacts_.at(id).incarnation);
    const bool is_peer = peer != peers_.end() && peer->second.contact == id;
    if (!message) {
        outlet_.note({FactKind::group_message_rejected, message.error(),
                      contacts_.at(id).router.text(), bytes.size()});
    } else if (const auto* welcome = std::get_if<group::Welcome>(&*message)) {
        on_welcome(id, welcome->identity, now);
    } else if (const auto* refusal = std::get_if<group::Refusal>(&*message)) {
        on_refusal(id, "it refuses us: " + refusal->reason, now);
    } else if (const auto* other = std::get_if<group::OtherVersion>(&*message)) {
        on_refusal(id, "protocol version " + std::to_string(other->version), now);
    } else if (!is_peer) {
        return;  // what is left of an answer to a question of an earlier meeting
    } else if (const auto* marks = std::get_if<group::Marks>(&*message)) {
        on_marks(peer->first, *marks, now);
    } else if (const auto* broadcast = std::get_if<BroadcastRef>(&*message)) {
        if ((*broadcast)->origin().incarnation == peer->first) on_broadcast(*broadcast, now);
    } else if (const auto* repaired = std::get_if<group::Repaired>(&*message)) {
        on_repaired(peer->first, *repaired, now);
    } else if (const auto* history = std::get_if<group::HistoryAnswer>(&*message)) {
        on_history_answer(peer->first, *history, now);
    } else if (const auto* poll = std::get_if<group::PollReply>(&*message)) {
        on_poll_reply(peer->first, *poll);
    } else if (const auto* decided = std::get_if<group::BackendReply>(&*message)) {
        on_backend_reply(peer->first, *decided);
    } else if (const auto* delivered = std::get_if<group::DeliveryReply>(&*message)) {
        outlet_.delivered(peer->first, delivered->serial, delivered->counts);
    }
}

void Group::on_refusal(ContactId id, const std::string& reason, Time now) {
    Contact& contact = contacts_.at(id);
    if (contact.state == ContactState::met) return;  // a peer that changed its mind goes silent
    contact.answered = now;
    if (contact.state == ContactState::refused && contact.reason == reason) return;
    contact.state = ContactState::refused;
    contact.reason = reason;
    contact.since = now;
    outlet_.note({FactKind::refused_by_node, contact.router.text(), reason, 0});
}

void Group::on_welcome(ContactId id, const group::Identity& node, Time now) {
    Contact& contact = contacts_.at(id);
    contact.answered = now;
    contact.keys_failed = 0;
    contact.name = node.name;
    // Whoever answered there before does so no longer.
    bury_former({}, id, node.incarnation, now);
    if (node.incarnation == config_.incarnation) {
        contact.state = ContactState::itself;
        return;
    }
    if (const auto reason = objection_to(node, contact.router)) {
        return on_refusal(id, *reason, now);
    }
    const auto known = peers_.find(node.incarnation);
    if (known == peers_.end()) {
        meet(id, node, now);
    } else if (known->second.contact != id) {
        contact.state = ContactState::alias;
        release_publisher(contact);
        contact.incarnation = node.incarnation;
    }
    for (const auto& endpoint : node.known) add_contact(endpoint, false, now);
}

// The same name, or the same address, with another incarnation: a restart.
void Group::bury_former(const std::string& name, ContactId contact, Incarnation present, Time now) {
    std::vector<Incarnation> former;
    for (const auto& [incarnation, peer] : peers_) {
        const bool is_same = peer.name == name || peer.contact == contact;
        if (is_same && incarnation != present) former.push_back(incarnation);
    }
    for (const Incarnation incarnation : former) {
        bury(incarnation, FactKind::node_replaced, "replaced by a new start", now);
    }
}

void Group::meet(ContactId id, const group::Identity& node, Time now) {
    bury_former(node.name, id, node.incarnation, now);
    Contact& contact = contacts_.at(id);
    contact.state = ContactState::met;
    contact.incarnation = node.incarnation;
    contact.reason.clear();
    const Endpoint publisher{node.host.empty() ? contact.router.host : node.host, node.pub_port};
    if (contact.publisher != publisher) release_publisher(contact);
    contact.publisher = publisher;
    outlet_.listen_to(publisher, contact.key);
    Peer& peer = peers_[node.incarnation];
    peer.name = node.name;
    peer.contact = id;
    peer.heard = peer.since = now;
    // It may be an old acquaintance, after a split: its streams go on where they were.
    streams_.set_present(node.incarnation, now);
    peer.wants_marks = peer.proves_link_after_marks = true;
    ask_marks(node.incarnation, now);
}

void Group::prove_link(Incarnation incarnation, Time now) {
    Peer& peer = peers_.at(incarnation);
    const Fence& fence = fences_.open({incarnation}, {}, now + config_.fence_timeout);
    peer.link = fence.id;
    outlet_.subscribe(group::key_of(fence.key()));
}

void Group::on_link(const Endpoint& publisher, Time now) {
    for (auto& [incarnation, peer] : peers_) {
        if (contacts_.at(peer.contact).publisher != publisher) continue;
        peer.wants_marks = true;
        // Always a new one: a publisher that still holds the broken link is not told again of a
        // fence that it knows from there.
        if (!peer.proves_link_after_marks) prove_link(incarnation, now);
    }
}

void Group::on_heartbeat(const group::Heartbeat& heartbeat, Time now) {
    const auto found = peers_.find(heartbeat.sender);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    peer.heard = now;
    // A heartbeat that is lost took its marks with it.
    if (peer.heartbeat != 0 && heartbeat.number != peer.heartbeat + 1) peer.wants_marks = true;
    peer.heartbeat = heartbeat.number;
    for (const auto& mark : heartbeat.moved) {
        if (interest_.contains(mark.bucket)) streams_.on_mark(heartbeat.sender, mark, now);
    }
    if (streams_.hole_count() > 0) ask_repair(heartbeat.sender, now);
    if (heartbeat.goodbye) return bury(heartbeat.sender, FactKind::node_left, "it left", now);
    if (peer.is_silent) {
        peer.is_silent = false;
        peer.since = now;
        outlet_.note({FactKind::node_up, peer.name, "heard again", 0});
    }
}

void Group::check_silence(Time now) {
    std::vector<Incarnation> dead;
    for (auto& [incarnation, peer] : peers_) {
        const auto silence = now - peer.heard;
        if (silence > config_.down_after) {
            dead.push_back(incarnation);
        } else if (silence > config_.silent_after && peer.is_up && !peer.is_silent) {
            peer.is_silent = true;
            peer.since = now;
            outlet_.note({FactKind::node_silent, peer.name, {}, milliseconds(silence)});
        }
    }
    for (const Incarnation incarnation : dead) {
        bury(incarnation, FactKind::node_down,
             "silent for " + std::to_string(milliseconds(config_.down_after)) + " ms", now);
    }
}

void Group::bury(Incarnation incarnation, FactKind why, const std::string& reason, Time now) {
    const auto found = peers_.find(incarnation);
    INVARIANT(found != peers_.end());
    const ContactId id = found->second.contact;
    const std::string name = found->second.name;
    const bool was_up = found->second.is_up;
    if (why == FactKind::node_down) {
        streams_.set_away(incarnation, now);
    } else {
        streams_.bury(incarnation, now);
    }
    peers_.erase(found);
    for (const Fence& fence : fences_.forget(incarnation)) finish(fence);
    stop_awaiting(incarnation, now);
    end_polls(incarnation);
    outlet_.peer_gone(incarnation);

    Contact& contact = contacts_.at(id);
    contact.state = ContactState::calling;
    contact.incarnation = 0;
    contact.reason = reason;
    contact.since = contact.answered = contact.next_hello = now;
    if (was_up || why != FactKind::node_down) outlet_.note({why, name, reason, 0});
    // Who said goodbye is not called again, unless the operator named it.
    if (why == FactKind::node_left && !contact.is_configured) drop_contact(id);
}

void Group::send_beacon(bool goodbye) {
    outlet_.send_beacon(encode(Beacon{config_.incarnation,
                                      goodbye,
                                      config_.group,
                                      {config_.advertised_host, config_.router_port}}));
}

void Group::on_beacon(const std::string& seen_host, std::string_view datagram, Time now) {
    if (has_left_) return;
    const auto beacon = decode_beacon(datagram);
    if (!beacon || beacon->group != config_.group) return;
    if (beacon->incarnation == config_.incarnation) return;
    const auto known = peers_.find(beacon->incarnation);
    if (known != peers_.end()) return;
    if (beacon->goodbye) return;
    Endpoint router = beacon->router;
    if (router.host.empty()) router.host = seen_host;
    refused_callers_.erase(router);
    const bool is_new = !find_contact(router);
    const auto contact = add_contact(router, false, now);
    if (!contact) return;
    contacts_.at(*contact).answered = now;
    if (!is_new) return;
    call(*contact, now);
    next_beacon_ = now;  // it has not heard of us either; one beacon answers all of a turn
}

std::size_t Group::peers_in_view() const {
    std::size_t count = 0;
    for (const auto& [incarnation, peer] : peers_) count += peer.is_up;
    return count;
}

std::vector<control::NodeRow> Group::nodes(Time now) const {
    std::vector<control::NodeRow> rows;
    const auto row = [&](std::string name, Incarnation incarnation, std::string address,
                         std::string state, std::string reason, Time since) {
        rows.push_back({std::move(name), incarnation == 0 ? "" : incarnation_text(incarnation),
                        std::move(address), std::move(state), std::move(reason),
                        milliseconds(now - since)});
    };
    row(config_.name, config_.incarnation,
        Endpoint{config_.advertised_host, config_.router_port}.text(), "self", "", started_);
    for (const auto& [incarnation, peer] : peers_) {
        row(peer.name, incarnation, contacts_.at(peer.contact).router.text(),
            peer.is_silent ? "silent" : (peer.is_up ? "up" : "connecting"),
            peer.is_up ? "" : "subscriptions are not yet in force there", peer.since);
    }
    for (const auto& [id, contact] : contacts_) {
        if (contact.state == ContactState::refused) {
            row(contact.name, 0, contact.router.text(), "refused", contact.reason, contact.since);
        } else if (contact.state == ContactState::calling) {
            row(contact.name, 0, contact.router.text(), contact.was_up ? "down" : "connecting",
                contact.reason.empty() ? "no answer yet" : contact.reason, contact.since);
        }
    }
    for (const auto& [router, caller] : refused_callers_) {
        const auto known = find_contact(router);
        if (known && contacts_.at(*known).state == ContactState::refused) continue;
        row(caller.name, 0, router.text(), "refused", caller.reason, caller.since);
    }
    return rows;
}

}  // namespace roost
