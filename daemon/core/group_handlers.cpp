// The part of Group that brings requests to the backends of other nodes.
#include "daemon/core/group.hpp"
#include "proto/json.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {
// A link that was lost may have taken an offer with it.
constexpr Duration offer_interval = std::chrono::seconds(5);
}  // namespace

void Group::set_offer(std::vector<BackendLane> lanes) {
    if (lanes == offer_) return;
    offer_ = std::move(lanes);
    ++offer_number_;
    tell_offers(now_);
}

void Group::tell_offers(Time now) {
    if (offer_number_ == 0 || has_left_) return;
    for (auto& [incarnation, peer] : peers_) {
        const bool is_told = peer.offer == offer_number_;
        if (is_told && (offer_.empty() || now - peer.offer_told < offer_interval)) continue;
        const group::Offer offer{config_.incarnation, offer_};
        if (!outlet_.to_contact(peer.contact, group::encode(offer))) continue;
        peer.offer = offer_number_;
        peer.offer_told = now;
    }
}

void Group::on_offer(const group::Offer& offer) {
    if (peers_.contains(offer.sender)) outlet_.backend_offered(offer.sender, offer.lanes);
}

bool Group::ask_backend(Incarnation incarnation, const control::Asked& asked) {
    const auto peer = peers_.find(incarnation);
    if (peer == peers_.end()) return false;
    const group::BackendQuestion question{control::encode(control::Answer{0, asked})};
    return outlet_.to_contact(peer->second.contact, group::encode(question));
}

void Group::on_backend_question(const std::string& route, const group::BackendQuestion& question) {
    const auto read = control::decode_answer(question.body);
    const auto* asked = read ? std::get_if<control::Asked>(&read->body) : nullptr;
    const auto is_text = [](const std::string& text) {
        return text.size() <= limits::topic_bytes_max && is_utf8(text);
    };
    if (asked && is_text(asked->about.topic) && is_text(asked->about.event) &&
        is_text(asked->about.user)) {
        return outlet_.backend_asked(route, *asked);
    }
    outlet_.note({FactKind::group_message_rejected,
                  "ask? is no request of a backend",
                  {},
                  question.body.size()});
}

void Group::answer_backend(const std::string& route, std::uint64_t serial,
                           const backend::Outcome& outcome) {
    group::BackendReply reply{serial, outcome.kind, {}};
    if (outcome.kind == backend::Outcome::Kind::answered) {
        reply.body =
            control::encode(control::Request{0, control::Respond{serial, outcome.response}});
    }
    // A peer that cannot take it will give its request up.
    outlet_.answer(route, group::encode(reply));
}

void Group::on_backend_reply(Incarnation incarnation, const group::BackendReply& reply) {
    backend::Outcome outcome{reply.outcome, {}};
    if (outcome.kind == backend::Outcome::Kind::answered) {
        auto read = control::decode_request(reply.body);
        auto* respond = read ? std::get_if<control::Respond>(&read->verb) : nullptr;
        if (respond) {
            outcome.response = std::move(respond->response);
        } else {
            outcome.kind = backend::Outcome::Kind::failed;
        }
    }
    outlet_.backend_decided(incarnation, reply.serial, outcome);
}

}  // namespace roost
