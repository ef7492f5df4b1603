// The part of Group that brings the requests of clients that poll to the nodes of their sessions.
#include "daemon/core/group.hpp"

namespace roost {

void Group::on_poll(Holder holder, std::uint64_t id, const PollRequest& request, Time now) {
    const Incarnation home = request.token.home.incarnation;
    const auto peer = peers_.find(home);
    if (peer == peers_.end()) {
        return outlet_.poll_answered(holder, id, poll_answer(PollAnswer::gone));
    }
    const group::PollQuestion question{++last_poll_, request};
    if (!outlet_.to_contact(peer->second.contact, group::encode(question))) {
        return outlet_.poll_answered(holder, id, poll_answer(PollAnswer::failed));
    }
    polls_[question.serial] = {home, holder, id, now + config_.poll_wait};
    ++counters_.polls_relayed;
}

void Group::on_poll_question(const std::string& route, const group::PollQuestion& question) {
    if (question.request.token.home.incarnation == config_.incarnation) {
        return outlet_.poll_asked(route, question.serial, question.request);
    }
    answer_poll(route, question.serial, poll_answer(PollAnswer::gone));
}

void Group::answer_poll(const std::string& route, std::uint64_t serial, const PollAnswer& answer) {
    // A peer that cannot take it will tell its client that it has failed.
    outlet_.answer(route, group::encode(group::PollReply{serial, answer}));
}

void Group::on_poll_reply(Incarnation incarnation, const group::PollReply& reply) {
    const auto found = polls_.find(reply.serial);
    if (found == polls_.end() || found->second.incarnation != incarnation) return;
    const Poll poll = found->second;
    polls_.erase(found);
    outlet_.poll_answered(poll.holder, poll.id, reply.answer);
}

// With the node its sessions are gone.
void Group::end_polls(Incarnation incarnation) {
    std::erase_if(polls_, [&](const auto& entry) {
        const Poll& poll = entry.second;
        if (poll.incarnation != incarnation) return false;
        outlet_.poll_answered(poll.holder, poll.id, poll_answer(PollAnswer::gone));
        return true;
    });
}

// Serials rise as deadlines do.
void Group::expire_polls(Time now) {
    while (!polls_.empty() && polls_.begin()->second.deadline <= now) {
        const Poll poll = polls_.begin()->second;
        polls_.erase(polls_.begin());
        outlet_.poll_answered(poll.holder, poll.id, poll_answer(PollAnswer::failed));
    }
}

}  // namespace roost
