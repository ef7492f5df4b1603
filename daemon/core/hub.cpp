#include "daemon/core/hub.hpp"

#include "daemon/core/invariant.hpp"
#include "daemon/core/variants.hpp"
#include "proto/client_binary.hpp"
#include "proto/limits.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {

constexpr Duration sweep_interval = std::chrono::seconds(1);
constexpr Duration stood_still = std::chrono::seconds(2);

std::string reason(std::string_view text) {
    std::string json = R"({"reason":)";
    append_quoted(json, text);
    json.push_back('}');
    return json;
}

}  // namespace

Hub::Hub(const Origin& origin, const Rules& rules, const HubLimits& limits, HubOutlet& outlet,
         SocketSink& sink, TokenCheck* tokens)
    : rules_(rules),
      origin_(origin),
      limits_(limits),
      // All channels of a connection may come back at once.
      join_limit_(limits.joins_max,
                  limits.joins_max + static_cast<std::uint32_t>(limits.channels_max)),
      message_limit_(limits.messages_max, limits.messages_max),
      outlet_(outlet),
      tokens_(tokens),
      numbering_(origin, limits.interest_bits),
      json_(limits.json_depth_max),
      outbox_(sink, limits.outbox),
      channels_(limits.interest_bits),
      dedup_(limits.dedup_window) {}

SocketId Hub::on_open(Wire wire, Time now, std::unique_ptr<const Bearer> bearer,
                      std::unique_ptr<backend::Request> greeting) {
    SocketId socket = 0;
    if (free_sockets_.empty()) {
        socket = static_cast<SocketId>(connections_.size());
        connections_.emplace_back();
    } else {
        socket = free_sockets_.back();
        free_sockets_.pop_back();
    }
    connections_[socket] = Connection{};
    connections_[socket].is_open = true;
    connections_[socket].serial = (++opened_ << 32) | socket;
    connections_[socket].heard = now;
    connections_[socket].wire = wire;
    connections_[socket].bearer = std::move(bearer);
    outbox_.open(socket);
    channels_.open(socket);
    ++open_;
    tell_connected(socket);
    if (greeting) ask_about_connection(socket, std::move(*greeting));
    return socket;
}

std::optional<SocketId> Hub::find(const SessionId& session) const {
    const auto socket = static_cast<SocketId>(session.serial);
    if (session.home != origin_ || socket >= connections_.size()) return std::nullopt;
    const Connection& connection = connections_[socket];
    if (!connection.is_open || connection.serial != session.serial) return std::nullopt;
    return socket;
}

void Hub::on_close(SocketId socket) {
    INVARIANT(connections_[socket].is_open);
    while (!channels_.of_socket(socket).empty()) remove_channel(channels_.of_socket(socket).back());
    tell_disconnected(socket);
    forget_connecting(socket);
    connections_[socket] = Connection{};
    outbox_.close(socket);
    free_sockets_.push_back(socket);
    --open_;
}

void Hub::on_pong(SocketId socket, Time now) {
    connections_[socket].heard = now;
    connections_[socket].is_pinged = false;
}

void Hub::on_too_big(SocketId socket) {
    if (connections_[socket].is_closing) return;
    outlet_.note({FactKind::client_frame_rejected, "frame is too big", {}, socket});
    close(socket, CloseCode::too_big);
}

void Hub::on_text(SocketId socket, std::string_view text, Time now) {
    on_said(socket, {text, false}, now);
}

void Hub::on_binary(SocketId socket, std::string_view bytes, Time now) {
    on_said(socket, {bytes, true}, now);
}

void Hub::on_said(SocketId socket, const Said& said, Time now) {
    if (outbox_.is_full()) flush();
    if (connections_[socket].is_closing) return;
    on_pong(socket, now);
    ++counters_.frames_in;
    const auto message = decode(socket, said);
    if (!message) return refuse_frame(socket, message.error());
    if (!is_within_limits(socket, *message, now)) return;
    if (connecting_.contains(socket)) return wait_to_connect(socket, *message, said, now);
    handle(socket, *message, said, now);
}

bool Hub::is_within_limits(SocketId socket, const ClientMessage& message, Time now) {
    Connection& connection = connections_[socket];
    const bool is_join = message.event == "phx_join";
    // A pause makes good what was refused. Not one message that is taken: at its rate one always
    // is.
    if (connection.joins_paid <= now && connection.messages_paid <= now) connection.refused = 0;
    const bool is_in_time = is_join ? join_limit_.admit(connection.joins_paid, now)
                                    : message_limit_.admit(connection.messages_paid, now);
    if (!is_in_time) {
        outlet_.note({FactKind::client_rate_limited, is_join ? "joins" : "messages", {}, socket});
        refuse(socket, message.join_ref, message,
               is_join ? "too many joins a second" : "too many messages a second");
        // Whoever does not heed the answers is not waited for.
        if (++connection.refused == limits::refused_in_a_row_max) close(socket, CloseCode::policy);
        return false;
    }
    if (message.topic.size() > limits_.topic_bytes_max) {
        refuse(socket, message.join_ref, message, "topic is too long");
        return false;
    }
    if (message.event.size() > limits_.event_bytes_max) {
        refuse(socket, message.join_ref, message, "event is too long");
        return false;
    }
    return true;
}

Result<ClientMessage, FrameError> Hub::decode(SocketId socket, const Said& said) {
    const Wire wire = connections_[socket].wire;
    if (!said.is_binary) return decode_text(wire, json_, said.bytes, scratch_);
    if (wire == Wire::v1) return Unexpected{FrameError::no_binary};
    return decode_binary(said.bytes, scratch_);
}

void Hub::refuse_frame(SocketId socket, FrameError error) {
    outlet_.note({FactKind::client_frame_rejected, std::string(reason_of(error)), {}, socket});
    if (error == FrameError::not_utf8) return close(socket, CloseCode::not_utf8);
    // The connection lives on: its other channels did nothing wrong. But not for ever.
    put_push(socket, "null", "null", R"("phoenix")", "phx_error", reason(reason_of(error)));
    if (++connections_[socket].bad_frames < limits::bad_frames_max) return;
    outlet_.note({FactKind::client_closed_bad_frames, {}, {}, socket});
    close(socket, CloseCode::policy);
}

void Hub::handle(SocketId socket, const ClientMessage& message, const Said& said, Time now) {
    if (message.topic == "phoenix") {
        if (message.event == "heartbeat") return reply(socket, "null", message, "ok", "{}");
        if (message.event == "access_token") return on_access_token(socket, "null", message, now);
    }
    const auto channel =
        message.is_topic_a_string ? channels_.find(socket, message.topic) : std::nullopt;
    if (channel && !channels_.channel(*channel).is_joined()) return hold(socket, *channel, said);
    if (message.event == "phx_join") return on_join(socket, message);
    if (channel && busy_.contains(*channel)) {
        return wait_for_backend(socket, *channel, message, said, now);
    }
    if (message.event == "phx_leave") {
        if (channel) return on_leave(socket, *channel, message);
        return reply(socket, message.join_ref, message, "ok", "{}");
    }
    if (channel) return on_push(socket, *channel, message, now);
    refuse(socket, "null", message, "unmatched topic");
}

void Hub::on_join(SocketId socket, const ClientMessage& message) {
    const Rule* rule = message.is_topic_a_string ? rules_.rule_for(message.topic) : nullptr;
    if (!rule) return refuse(socket, "null", message, "unmatched topic");
    // With a null join_ref Phoenix takes the ref in its place for the replies.
    const auto reply_ref = is_json_null(message.join_ref) ? message.ref : message.join_ref;
    if (const auto why = why_not_join(*rule, message.topic, connections_[socket].bearer.get());
        !why.empty()) {
        outlet_.note({FactKind::join_refused, std::string(why), rule->pattern, socket});
        return refuse(socket, reply_ref, message, why);
    }
    const auto old = channels_.find(socket, message.topic);
    if (!old && channels_.of_socket(socket).size() >= limits_.channels_max) {
        outlet_.note({FactKind::join_refused, "channels", {}, socket});
        return refuse(socket, reply_ref, message, "too many channels joined");
    }
    std::optional<Since> since;
    if (!message.is_binary && is_json_object(message.payload)) {
        if (const auto raw = member(message.payload, "since"); raw && !is_json_null(*raw)) {
            const auto parsed = parse_since(*raw);
            if (!parsed) return refuse(socket, reply_ref, message, parsed.error());
            since = *parsed;
        }
    }
    const ChannelId joining = channels_.add(socket, connections_[socket].wire, message.topic, rule,
                                            message.join_ref, message.ref);
    const auto added = interest_.add(channels_.topic_of(joining).bucket);
    if (added.is_first) outlet_.want(channels_.topic_of(joining).bucket, added.ticket);
    ++counters_.joins;
    INVARIANT(added.is_live || !old);  // a joined channel has made its bucket live
    const bool is_asking = rule->join == JoinPolicy::backend;
    if (added.is_live && !since && !is_asking) {
        complete_join(joining, message.ref, {});
    } else {
        WaitingJoin& join = waiting(joining);
        join.ref = message.ref;
        join.since = std::move(since);
        if (is_asking) {
            ask_about_join(joining, message);
        } else if (added.is_live) {
            begin_resume(joining);
        }
    }
    if (!old) return;
    // A duplicate join: the new channel is answered first (unless it has to wait), then the old one
    // is closed, as in Phoenix. Without join_refs a client would take it for the end of the new
    // one.
    if (connections_[socket].wire != Wire::v1) {
        const std::string_view old_ref = channels_.channel(*old).join_ref();
        put_push(socket, old_ref, old_ref, message.raw_topic, "phx_close", "{}");
    }
    remove_channel(*old);
}

void Hub::complete_join(ChannelId id, std::string_view ref, const backend::Response& response) {
    channels_.make_member(id);
    tell_joined(id);
    const Channel& channel = channels_.channel(id);
    std::string raw_topic;
    append_quoted(raw_topic, channels_.topic_of(id).name);
    put_reply(channel.socket, channel.ref, ref, raw_topic, response);
}

void Hub::on_leave(SocketId socket, ChannelId id, const ClientMessage& message) {
    const Channel& channel = channels_.channel(id);
    const std::string_view join_ref = channel.join_ref();
    if (!is_json_null(message.join_ref) && message.join_ref != join_ref) return;
    reply(socket, channel.ref, message, "ok", "{}");
    put_push(socket, join_ref, channel.end_ref(), message.raw_topic, "phx_close", "{}");
    remove_channel(id);
}

void Hub::on_push(SocketId socket, ChannelId id, const ClientMessage& message, Time now) {
    const Channel& channel = channels_.channel(id);
    if (!is_json_null(message.join_ref) && message.join_ref != channel.join_ref()) {
        return refuse(socket, message.join_ref, message, "stale");
    }
    const Rule& rule = *channels_.topic_of(id).rule;
    if (message.event == "access_token") return on_access_token(socket, channel.ref, message, now);
    const bool is_asking = rule.asks_backend(message.event);
    if (const auto why =
            why_not_push(rule, message.topic, connections_[socket].bearer.get(), is_asking);
        !why.empty()) {
        return refuse(socket, channel.ref, message, why);
    }
    // phoenix.js would take such a broadcast for the server's word on its own channel.
    if (message.event.starts_with("phx_")) {
        return refuse(socket, channel.ref, message, "reserved event");
    }
    if (!message.is_binary && !is_json_object(message.payload)) {
        return refuse(socket, channel.ref, message, "payload must be an object");
    }
    if (is_asking) return ask_about_push(socket, id, message);
    std::string message_id;
    const auto raw = message.is_binary ? std::nullopt : member(message.payload, "roost_id");
    if (raw) {
        if (is_json_string(*raw)) message_id = unquote(*raw, message_id);
        if (message_id.empty() || message_id.size() > limits::message_id_bytes_max) {
            return refuse(socket, channel.ref, message,
                          "roost_id must be a string of 1 to 128 bytes");
        }
    }
    const bool is_new = publish(socket, id, message, message_id, now);
    reply(socket, channel.ref, message, "ok", is_new ? "{}" : R"({"duplicate":true})");
}

void Hub::hold(SocketId socket, ChannelId channel, const Said& said) {
    WaitingJoin& join = waiting(channel);
    join.held_bytes += said.bytes.size();
    if (join.held.size() < limits::held_frames_max && join.held_bytes <= limits::held_bytes_max) {
        join.held.push_back({std::string(said.bytes), said.is_binary});
        return;
    }
    outlet_.note({FactKind::client_closed_held, {}, {}, socket});
    close(socket, CloseCode::policy);
}

bool Hub::publish(SocketId publisher, ChannelId channel, const ClientMessage& message,
                  std::string_view id, Time now) {
    if (!dedup_.admit(message.topic, id, now)) {
        ++counters_.deduplicated;
        return false;
    }
    const auto broadcast =
        numbering_.publish({message.topic, message.event, message.payload, id, message.is_binary});
    ++counters_.broadcasts_in;
    outlet_.to_node(broadcast);
    const bool is_to_others = channels_.topic_of(channel).rule->push == PushPolicy::others;
    deliver(channels_.channel(channel).topic, broadcast, is_to_others ? publisher : Outbox::nobody);
    return true;
}

void Hub::on_broadcast(const BroadcastRef& broadcast, Time now) {
    if (outbox_.is_full()) flush();
    const auto topic = channels_.find_topic(broadcast->topic());
    if (!topic) return;
    if (!dedup_.admit(broadcast->topic(), broadcast->id(), now)) {
        ++counters_.deduplicated;
        return tell_repeated(*broadcast);
    }
    deliver(*topic, broadcast, excepted(*broadcast));
}

void Hub::deliver(TopicId id, const BroadcastRef& broadcast, SocketId except) {
    const Topic& topic = channels_.topic(id);
    if (topic.resuming_count > 0) collect(broadcast);
    if (topic.members.empty()) return;  // collecting may have ended the topic
    Variants variants(outbox_, broadcast, topic.rule->slow);
    if (topic.varied_count == 0) {
        outbox_.put_all(topic.member_sockets, variants.common(), except);
        counters_.deliveries += topic.members.size();
        if (except != Outbox::nobody && channels_.find(except, topic.name)) --counters_.deliveries;
        return;
    }
    for (std::size_t i = 0; i < topic.members.size(); ++i) {
        const SocketId socket = topic.member_sockets[i];
        if (socket == except) continue;
        const Channel& channel = channels_.channel(topic.members[i]);
        ++counters_.deliveries;
        if (channel.is_positioned && knows_already(topic.members[i], *broadcast)) continue;
        outbox_.put(socket, variants.of(channel.wire, channel.is_positioned));
    }
}

void Hub::on_live(Bucket bucket, Ticket ticket, Time now) {
    if (!interest_.make_live(bucket, ticket)) return;
    // Answer first all joins that waited, then say what their clients said meanwhile: that may
    // end channels and begin others.
    std::vector<Answered> answered;
    std::vector<ChannelId> resuming;
    for (auto it = waiting_.lower_bound({bucket, 0});
         it != waiting_.end() && it->first.first == bucket;) {
        const ChannelId id = it->first.second;
        if (it->second.asked != 0) {
            ++it;
            continue;
        }
        if (it->second.since) {
            resuming.push_back(id);
            ++it;
            continue;
        }
        complete_join(id, it->second.ref, it->second.response);
        answered.push_back({session_of(channels_.channel(id).socket), channels_.topic_of(id).name,
                            std::move(it->second)});
        it = waiting_.erase(it);
    }
    for (const ChannelId id : resuming) begin_resume(id);
    for (const auto& join : answered) finish_join(join, now);
}

void Hub::finish_join(const Answered& answered, Time now) {
    act(answered.session, answered.topic, answered.join.response);
    say_held(answered.session, answered.join.held, now);
}

void Hub::say_held(const SessionId& session, const std::vector<Held>& held, Time now) {
    for (const auto& [bytes, is_binary] : held) {
        const auto socket = find(session);
        if (!socket || connections_[*socket].is_closing) return;
        const Said said{bytes, is_binary};
        if (const auto message = decode(*socket, said)) handle(*socket, *message, said, now);
    }
}

Hub::WaitingJoin& Hub::waiting(ChannelId id) {
    return waiting_[{channels_.topic_of(id).bucket, id}];
}

void Hub::remove_channel(ChannelId id) {
    const Bucket bucket = channels_.topic_of(id).bucket;
    forget_asked(id);
    if (const auto waiting = waiting_.find({bucket, id}); waiting != waiting_.end()) {
        resuming_.erase(waiting->second.resuming);
        waiting_.erase(waiting);
    }
    ahead_.erase(id);
    tell_left(id);
    channels_.remove(id);
    if (interest_.remove(bucket)) outlet_.release(bucket);
}

void Hub::reply(SocketId socket, std::string_view join_ref, const ClientMessage& message,
                std::string_view status, std::string_view response) {
    reply_.clear();
    append_reply_frame(reply_, connections_[socket].wire, join_ref, message.ref, message.raw_topic,
                       status, response);
    outbox_.put(socket, std::string_view(reply_));
}

void Hub::refuse(SocketId socket, std::string_view join_ref, const ClientMessage& message,
                 std::string_view why) {
    reply(socket, join_ref, message, "error", reason(why));
}

void Hub::put_push(SocketId socket, std::string_view join_ref, std::string_view ref,
                   std::string_view raw_topic, std::string_view event, std::string_view payload) {
    outbox_.put(socket,
                push_frame(connections_[socket].wire, join_ref, ref, raw_topic, event, payload));
}

void Hub::close(SocketId socket, CloseCode code) {
    if (connections_[socket].is_closing) return;
    connections_[socket].is_closing = true;
    connections_[socket].closed_with = code;
    forget_connecting(socket);
    // It is told nothing more; what was said before the close still leaves.
    while (!channels_.of_socket(socket).empty()) remove_channel(channels_.of_socket(socket).back());
    outlet_.close(socket, code);
}

void Hub::flush() {
    for (const SessionId& session : std::exchange(unasked_, {})) {
        const auto socket = find(session);
        if (socket) refuse_connection(*socket, {backend::Outcome::Kind::unavailable, {}});
    }
    for (const SocketId socket : outbox_.flush()) {
        outlet_.note({FactKind::client_closed_slow, {}, {}, socket});
        close(socket, CloseCode::try_later);
    }
}

void Hub::tick(Time now) {
    if (now < next_sweep_) return;
    // This node has stood still: what its clients said meanwhile is still to be read.
    const Duration pause = next_sweep_ == Time{} ? Duration{} : now - next_sweep_;
    next_sweep_ = now + sweep_interval;
    if (pause > stood_still) {
        for (Connection& connection : connections_) connection.heard += pause;
    }
    for (SocketId socket = 0; socket < connections_.size(); ++socket) sweep(socket, now);
}

void Hub::sweep(SocketId socket, Time now) {
    Connection& connection = connections_[socket];
    if (!connection.is_open || connection.is_closing) return;
    const auto silence = now - connection.heard;
    if (silence >= limits_.idle_max) {
        outlet_.note({FactKind::client_closed_idle, {}, {}, socket});
        return close(socket, CloseCode::going_away);
    }
    if (silence >= limits_.idle_max / 2 && !connection.is_pinged) {
        connection.is_pinged = true;
        outbox_.put(socket, ws::ping_frame());
    }
    watch_token(socket, now);
}

bool Hub::hand_over(std::size_t most) {
    for (SocketId socket = 0; most > 0 && socket < connections_.size(); ++socket) {
        if (!connections_[socket].is_open || connections_[socket].is_closing) continue;
        close(socket, CloseCode::restarting);
        --most;
    }
    return open_ == 0;
}

}  // namespace roost
