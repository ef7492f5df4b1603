// The part of Hub that asks a backend, and does what it answers.
//
// While a backend is asked about a message of a channel, what the client says to that channel waits
// for the answer: so a channel's messages are decided one after the other, in their order, by
// whichever workers. Other channels of the connection go on.
#include "daemon/core/hub.hpp"
#include "daemon/core/invariant.hpp"
#include "proto/client_binary.hpp"
#include "proto/json.hpp"

namespace roost {

namespace {

backend::Response error_response(std::string_view reason) {
    backend::Response response;
    response.status = "error";
    response.payload = R"({"reason":)";
    append_quoted(response.payload, reason);
    response.payload.push_back('}');
    return response;
}

}  // namespace

std::uint64_t Hub::ask(backend::Request request, Asked asked) {
    const auto socket = find(asked.session);
    INVARIANT(socket);
    const Connection& connection = connections_[*socket];
    request.kind = asked.kind;
    request.session = text_of(asked.session);
    request.topic = asked.topic;
    if (connection.bearer) request.user = connection.bearer->claims.subject;
    if (connection.stuck) {
        if (!connection.stuck->user.empty()) request.user = connection.stuck->user;
        request.data = connection.stuck->data;
    }
    const std::uint64_t number = ++last_asked_;
    if (!outlet_.ask_backend(number, std::move(request))) return 0;
    asked_[number] = std::move(asked);
    return number;
}

void Hub::ask_about_connection(SocketId socket, backend::Request greeting) {
    const auto asked = ask(std::move(greeting),
                           {backend::Kind::connect, session_of(socket), std::nullopt, "", "", ""});
    connecting_[socket].asked = asked;
    // Whoever opens it does not know its number yet.
    if (asked == 0) unasked_.push_back(session_of(socket));
}

void Hub::wait_to_connect(SocketId socket, const ClientMessage& message, const Said& said,
                          Time now) {
    if (message.topic == "phoenix" && message.event == "heartbeat") {
        return handle(socket, message, said, now);
    }
    Busy& waiting = connecting_[socket];
    waiting.held_bytes += said.bytes.size();
    if (waiting.held.size() < limits::held_frames_max &&
        waiting.held_bytes <= limits::held_bytes_max) {
        waiting.held.push_back({std::string(said.bytes), said.is_binary});
        return;
    }
    outlet_.note({FactKind::client_closed_held, {}, {}, socket});
    close(socket, CloseCode::policy);
}

void Hub::on_connection_decided(const SessionId& session, const backend::Outcome& outcome,
                                Time now) {
    const auto socket = find(session);
    const auto waiting = socket ? connecting_.find(*socket) : connecting_.end();
    if (waiting == connecting_.end()) return;
    const auto held = std::move(waiting->second.held);
    connecting_.erase(waiting);
    const bool is_answered = outcome.kind == backend::Outcome::Kind::answered;
    if (!is_answered || outcome.response.status != "ok" || outcome.response.is_crash) {
        return refuse_connection(*socket, outcome);
    }
    act(session, "", outcome.response);
    say_held(session, held, now);
}

void Hub::refuse_connection(SocketId socket, const backend::Outcome& outcome) {
    const bool is_decided =
        outcome.kind == backend::Outcome::Kind::answered && !outcome.response.is_crash;
    const auto response = is_decided ? outcome.response
                          : outcome.response.is_crash
                              ? error_response("connect crashed")
                              : error_response(backend::reason_of(outcome.kind));
    put_push(socket, "null", "null", R"("phoenix")", "phx_error",
             response.is_binary ? json_of_bytes(response.payload) : response.payload);
    outlet_.note({FactKind::connection_refused,
                  is_decided ? "backend" : "no answer of a backend",
                  {},
                  socket});
    close(socket, is_decided ? CloseCode::policy : CloseCode::try_later);
}

void Hub::forget_connecting(SocketId socket) {
    const auto waiting = connecting_.find(socket);
    if (waiting == connecting_.end()) return;
    outlet_.take_back(waiting->second.asked);
    connecting_.erase(waiting);
}

void Hub::ask_about_join(ChannelId id, const ClientMessage& message) {
    const Topic& topic = channels_.topic_of(id);
    const SocketId socket = channels_.channel(id).socket;
    backend::Request request;
    request.payload = message.payload;
    request.is_binary = message.is_binary;
    WaitingJoin& join = waiting(id);
    join.asked = ask(std::move(request),
                     {backend::Kind::join, session_of(socket), id, topic.name, join.ref, ""});
    if (join.asked != 0) return;
    const auto reason = backend::reason_of(backend::Outcome::Kind::unavailable);
    put_reply(socket, channels_.channel(id).ref, join.ref, message.raw_topic,
              error_response(reason));
    remove_channel(id);
}

void Hub::ask_about_push(SocketId socket, ChannelId id, const ClientMessage& message) {
    backend::Request request;
    request.event = message.event;
    request.ref = message.ref;
    request.payload = message.payload;
    request.is_binary = message.is_binary;
    const auto asked = ask(std::move(request),
                           {backend::Kind::push, session_of(socket), id, std::string(message.topic),
                            std::string(message.ref), std::string(message.raw_topic)});
    if (asked != 0) {
        busy_[id].asked = asked;
        return;
    }
    refuse(socket, channels_.channel(id).ref, message,
           backend::reason_of(backend::Outcome::Kind::unavailable));
}

void Hub::wait_for_backend(SocketId socket, ChannelId id, const ClientMessage& message,
                           const Said& said, Time now) {
    Busy& busy = busy_[id];
    const bool has_room = busy.held.size() < limits::held_frames_max &&
                          busy.held_bytes + said.bytes.size() <= limits::held_bytes_max;
    if (has_room) {
        busy.held_bytes += said.bytes.size();
        busy.held.push_back({std::string(said.bytes), said.is_binary});
    } else if (message.event == "phx_leave") {
        const bool is_stale =
            !is_json_null(message.join_ref) && message.join_ref != channels_.channel(id).join_ref();
        if (is_stale) return;
        forget_asked(id);
        handle(socket, message, said, now);
    } else {
        refuse(socket, channels_.channel(id).ref, message,
               "too many messages wait for the backend");
    }
}

// The channel is going: nobody waits for the answer.
void Hub::forget_asked(ChannelId id) {
    std::uint64_t number = 0;
    if (const auto busy = busy_.find(id); busy != busy_.end()) {
        number = busy->second.asked;
        busy_.erase(busy);
    } else if (!channels_.channel(id).is_joined()) {
        const auto join = waiting_.find({channels_.topic_of(id).bucket, id});
        if (join != waiting_.end()) number = join->second.asked;
    }
    const auto asked = asked_.find(number);
    if (asked == asked_.end()) return;
    asked->second.channel.reset();
    outlet_.take_back(number);
}

void Hub::on_backend(std::uint64_t number, backend::Outcome outcome, Time now) {
    if (outbox_.is_full()) flush();
    const auto found = asked_.find(number);
    INVARIANT(found != asked_.end());
    const Asked asked = std::move(found->second);
    asked_.erase(found);
    const auto socket = find(asked.session);
    if (socket && outcome.kind == backend::Outcome::Kind::answered) {
        stick(*socket, outcome.response);
    }
    if (asked.kind == backend::Kind::connect) {
        return on_connection_decided(asked.session, outcome, now);
    }
    if (asked.kind == backend::Kind::push) return on_push_decided(asked, std::move(outcome), now);
    if (asked.channel) on_join_decided(*asked.channel, std::move(outcome), now);
}

void Hub::stick(SocketId socket, const backend::Response& response) {
    if (!response.user && !response.data) return;
    auto& stuck = connections_[socket].stuck;
    if (!stuck) stuck = std::make_unique<Stuck>();
    if (response.user) stuck->user = *response.user;
    if (response.data) stuck->data = *response.data;
}

void Hub::on_join_decided(ChannelId id, backend::Outcome outcome, Time now) {
    const Channel& channel = channels_.channel(id);
    const SessionId session = session_of(channel.socket);
    WaitingJoin& join = waiting(id);
    join.asked = 0;
    if (outcome.kind != backend::Outcome::Kind::answered) {
        outcome.response = error_response(backend::reason_of(outcome.kind));
    } else if (outcome.response.is_crash) {
        outcome.response = error_response("join crashed");
    } else if (outcome.response.status.empty()) {
        outcome.response.status = "error";  // a join has to be answered
    }
    if (outcome.response.status != "ok") {
        outlet_.note({FactKind::join_refused, "backend", channels_.topic_of(id).rule->pattern,
                      channel.socket});
        std::string raw_topic;
        append_quoted(raw_topic, channels_.topic_of(id).name);
        put_reply(channel.socket, channel.ref, join.ref, raw_topic, outcome.response);
        const Answered answered{session, channels_.topic_of(id).name, std::move(join)};
        remove_channel(id);
        return say_held(session, answered.join.held, now);
    }
    join.response = std::move(outcome.response);
    if (!interest_.is_live(channels_.topic_of(id).bucket)) return;  // on_live() completes it
    if (join.since) return begin_resume(id);
    const Answered answered{session, channels_.topic_of(id).name, std::move(join)};
    waiting_.erase({channels_.topic_of(id).bucket, id});
    complete_join(id, answered.join.ref, answered.join.response);
    finish_join(answered, now);
}

void Hub::on_push_decided(const Asked& asked, backend::Outcome outcome, Time now) {
    std::vector<Held> held;
    if (asked.channel) {
        const auto busy = busy_.find(*asked.channel);
        INVARIANT(busy != busy_.end());
        held = std::move(busy->second.held);
        busy_.erase(busy);
    }
    if (outcome.kind != backend::Outcome::Kind::answered) {
        outcome.response = error_response(backend::reason_of(outcome.kind));
    }
    const backend::Response& response = outcome.response;
    // What others are to hear they hear even if the client has left meanwhile.
    const auto ends = [](const backend::Action& action) {
        return action.kind >= backend::Action::Kind::leave;
    };
    for (const auto& action : response.actions) {
        if (!ends(action)) act(asked.session, asked.topic, action);
    }
    const auto socket = find(asked.session);
    const auto channel = socket ? channels_.find(*socket, asked.topic) : std::nullopt;
    if (!asked.channel || channel != asked.channel) return;
    if (response.is_crash) {
        end_channel(*channel, "phx_error");
    } else if (!response.status.empty()) {
        put_reply(*socket, channels_.channel(*channel).ref, asked.ref, asked.raw_topic, response);
    }
    for (const auto& action : response.actions) {
        if (ends(action)) act(asked.session, asked.topic, action);
    }
    say_held(asked.session, held, now);
}

void Hub::act(const SessionId& session, const std::string& topic,
              const backend::Response& response) {
    for (const auto& action : response.actions) act(session, topic, action);
}

void Hub::act(const SessionId& session, const std::string& topic, const backend::Action& action) {
    using Kind = backend::Action::Kind;
    const std::string& meant = action.topic.empty() ? topic : action.topic;
    if (meant.empty() && action.kind != Kind::disconnect) return;  // of a connect
    const SocketId socket = find(session).value_or(Outbox::nobody);
    if (action.kind == Kind::broadcast || action.kind == Kind::others) {
        const bool is_bytes = action.is_binary && meant.size() <= binary_name_bytes_max;
        const std::string substitute =
            action.is_binary && !is_bytes ? json_of_bytes(action.payload) : std::string();
        const auto broadcast = numbering_.publish(
            {meant, action.event, substitute.empty() ? action.payload : substitute, {}, is_bytes});
        outlet_.to_node(broadcast);
        const auto members = channels_.find_topic(meant);
        const bool is_to_others = action.kind == Kind::others;
        if (members) deliver(*members, broadcast, is_to_others ? socket : Outbox::nobody);
        return;
    }
    if (socket == Outbox::nobody || connections_[socket].is_closing) return;
    if (action.kind == Kind::disconnect) return close(socket, CloseCode::policy);
    const auto channel = channels_.find(socket, meant);
    if (!channel || !channels_.channel(*channel).is_joined()) return;
    if (action.kind == Kind::leave) return end_channel(*channel, "phx_close");
    const std::string_view join_ref = channels_.channel(*channel).join_ref();
    std::string raw_topic;
    append_quoted(raw_topic, meant);
    if (action.is_binary && connections_[socket].wire == Wire::v2) {
        auto frame = binary_push_frame(join_ref, raw_topic, action.event, action.payload);
        if (frame) return outbox_.put(socket, std::move(*frame));
    }
    put_push(socket, join_ref, "null", raw_topic, action.event,
             action.is_binary ? json_of_bytes(action.payload) : action.payload);
}

void Hub::end_channel(ChannelId id, std::string_view event) {
    const Channel& channel = channels_.channel(id);
    std::string raw_topic;
    append_quoted(raw_topic, channels_.topic_of(id).name);
    put_push(channel.socket, channel.join_ref(), channel.end_ref(), raw_topic, event,
             event == "phx_error" ? R"({"reason":"channel_crash"})" : "{}");
    remove_channel(id);
}

void Hub::put_reply(SocketId socket, std::string_view join_ref, std::string_view ref,
                    std::string_view raw_topic, const backend::Response& response) {
    const Wire wire = connections_[socket].wire;
    if (response.is_binary && wire == Wire::v2) {
        auto frame =
            binary_reply_frame(join_ref, ref, raw_topic, response.status, response.payload);
        if (frame) return outbox_.put(socket, std::move(*frame));
    }
    outbox_.put(socket, reply_frame(wire, join_ref, ref, raw_topic, response.status,
                                    response.is_binary ? json_of_bytes(response.payload)
                                                       : response.payload));
}

}  // namespace roost
