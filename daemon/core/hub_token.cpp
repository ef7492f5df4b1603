// The part of Hub that knows who its clients are: what a token allows, its renewal and its end.
#include "daemon/core/hub.hpp"
#include "proto/json.hpp"

namespace roost {

namespace {

constexpr Duration warned_before = std::chrono::seconds(60);

std::string reason_of_refusal(TokenError error) {
    return "token refused: " + std::string(name_of(error));
}

}  // namespace

std::string_view Hub::why_not_join(const Rule& rule, std::string_view topic, const Bearer* bearer) {
    if (rule.join == JoinPolicy::deny) return "join denied";
    if ((rule.join == JoinPolicy::token || rule.has_claims()) && !bearer) return "token needed";
    if (rule.has_claims() && !rule.is_of(topic, bearer->claims.texts)) return "topic of another";
    if (bearer && !bearer->claims.may_join(topic)) return "topic not in token";
    return {};
}

std::string_view Hub::why_not_push(const Rule& rule, std::string_view topic, const Bearer* bearer,
                                   bool is_asking) {
    if (rule.push == PushPolicy::deny && !is_asking) return "push denied";
    if (bearer && !bearer->claims.may_push(topic)) return "push not in token";
    return {};
}

void Hub::on_access_token(SocketId socket, std::string_view join_ref, const ClientMessage& message,
                          Time now) {
    const auto raw = !message.is_binary && is_json_object(message.payload)
                         ? member(message.payload, "access_token")
                         : std::nullopt;
    if (!raw || !is_json_string(*raw)) {
        return refuse(socket, join_ref, message, R"(the payload must be {"access_token":TOKEN})");
    }
    // Without keys nobody is asked who they are. The event is Roost's all the same: a token that is
    // meant for us is not shown to others.
    if (!tokens_ || !tokens_->has_keys()) return reply(socket, join_ref, message, "ok", "{}");
    std::string scratch;
    auto bearer = tokens_->check(unquote(*raw, scratch), now);
    if (!bearer) {
        outlet_.note({FactKind::token_refused, std::string(name_of(bearer.error())), {}, socket});
        return refuse(socket, join_ref, message, reason_of_refusal(bearer.error()));
    }
    Connection& connection = connections_[socket];
    if (connection.bearer && connection.bearer->claims.subject != bearer->claims.subject) {
        return refuse(socket, join_ref, message, "token refused: it is of another subject");
    }
    connection.bearer = std::make_unique<Bearer>(std::move(*bearer));
    connection.is_warned = false;
    reply(socket, join_ref, message, "ok", "{}");
    end_what_is_not_allowed(socket);
}

// A fresh token may allow less than the one before. phoenix.js tries to join again what has ended
// with an error, and is told why it may not.
void Hub::end_what_is_not_allowed(SocketId socket) {
    const auto of_socket = channels_.of_socket(socket);  // a copy: some go
    for (const ChannelId id : of_socket) {
        const Topic& topic = channels_.topic_of(id);
        const auto why = why_not_join(*topic.rule, topic.name, connections_[socket].bearer.get());
        if (why.empty()) continue;
        std::string raw_topic, payload = R"({"reason":)";
        append_quoted(raw_topic, topic.name);
        append_quoted(payload, why);
        payload.push_back('}');
        const Channel& channel = channels_.channel(id);
        put_push(socket, channel.join_ref(), channel.end_ref(), raw_topic, "phx_error", payload);
        remove_channel(id);
    }
}

void Hub::watch_token(SocketId socket, Time now) {
    Connection& connection = connections_[socket];
    if (!connection.bearer || connection.bearer->expires == never) return;
    const Duration left = connection.bearer->expires - now;
    if (left <= Duration{}) {
        outlet_.note({FactKind::client_closed_token, {}, {}, socket});
        close(socket, CloseCode::token_expired);
    } else if (left <= warned_before && !connection.is_warned) {
        connection.is_warned = true;
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
        put_push(socket, "null", "null", R"("phoenix")", "roost:token_expires",
                 R"({"in":)" + std::to_string(seconds) + "}");
    }
}

}  // namespace roost
