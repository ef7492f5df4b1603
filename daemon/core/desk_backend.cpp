// The part of Desk that backends talk to, and who asks them without being a client.
#include "daemon/core/desk.hpp"

namespace roost {

void Desk::handle(const StreamId& id, const control::Handle& handle, Time now) {
    if (!handlers_) return;
    const auto no = handlers_->why_not_handle(id.first, id.second, handle);
    if (!no.empty()) return refuse(id, "too_many", no);
    handlers_->on_handle(id.first, id.second, handle, now);
}

void Desk::handle(const StreamId& id, const control::Unhandle& unhandle, Time now) {
    if (handlers_) handlers_->on_unhandle(id.first, unhandle, now);
    answer(id, control::Unhandled{});
}

void Desk::handle(const StreamId& id, const control::Respond& respond, Time now) {
    if (!handlers_) return;
    const auto no = handlers_->on_respond(id.first, respond, now);
    if (!no.empty()) refuse(id, "bad_response", no);
}

void Desk::handle(const StreamId& id, const control::Ask& ask, Time now) {
    if (ask.payload.size() > config_.message_bytes_max) {
        return refuse(id, "too_big",
                      "the payload has " + std::to_string(ask.payload.size()) +
                          " bytes; the node takes " + std::to_string(config_.message_bytes_max));
    }
    if (!ask.is_binary && (!is_json_object(ask.payload) || !json_.is_valid(ask.payload))) {
        return refuse(id, "bad_payload",
                      "the payload must be a JSON object, as in {\"body\":\"hi\"}, or bytes");
    }
    if (!handlers_) return;
    backend::Request request;
    request.kind = backend::Kind::push;
    request.topic = ask.topic;
    request.event = ask.event;
    request.payload = ask.payload;
    request.is_binary = ask.is_binary;
    request.user = ask.user;
    const auto number = ++last_asked_;
    asked_.emplace(number, std::pair(id, ask.topic));
    handlers_->on_request({holder_, number}, std::move(request), now);
}

void Desk::on_decided(std::uint64_t number, backend::Outcome outcome, Time now) {
    const auto found = asked_.find(number);
    if (found == asked_.end()) return;
    const auto [id, topic] = found->second;
    asked_.erase(found);
    backend::Response& response = outcome.response;
    const bool is_crash = response.is_crash;
    if (outcome.kind != backend::Outcome::Kind::answered || is_crash) {
        const auto why = is_crash ? "channel_crash" : reason_of(outcome.kind);
        return answer(
            id, control::Replied{"error", R"({"reason":")" + std::string(why) + R"("})", false});
    }
    for (const auto& action : response.actions) act(topic, action, now);
    answer(id, control::Replied{response.status, std::move(response.payload), response.is_binary});
}

// There is no client to push to, or to end.
void Desk::act(const std::string& topic, const backend::Action& action, Time now) {
    if (action.kind > backend::Action::Kind::others) return;
    const auto broadcast = numbering_.publish({action.topic.empty() ? topic : action.topic,
                                               action.event,
                                               action.payload,
                                               {},
                                               action.is_binary});
    group_.on_local(broadcast, now);
    outlet_.to_shards(broadcast);
    deliver(*broadcast);
}

}  // namespace roost
