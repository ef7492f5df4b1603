// The part of Hub that tells who comes and goes.
#include "daemon/core/hub.hpp"

namespace roost {

namespace {

std::string_view reason_of(CloseCode code) {
    switch (code) {
        case CloseCode::going_away: return "idle";
        case CloseCode::not_utf8: return "not utf8";
        case CloseCode::policy: return "policy";
        case CloseCode::too_big: return "too big";
        case CloseCode::restarting: return "node stopped";
        case CloseCode::try_later: return "slow";
        case CloseCode::kicked:
        case CloseCode::kicked_for_good: return "kicked";
        case CloseCode::token_expired: break;
    }
    return "token expired";
}

}  // namespace

Happening Hub::happening(Happening::Kind kind, SocketId socket) const {
    Happening told{.kind = kind, .session = session_of(socket)};
    told.user = user_of(socket);
    return told;
}

void Hub::tell_connected(SocketId socket) {
    if (!limits_.has_events) return;
    outlet_.happened(happening(Happening::Kind::connected, socket));
}

void Hub::tell_disconnected(SocketId socket) {
    if (!limits_.has_events) return;
    Happening told = happening(Happening::Kind::disconnected, socket);
    const auto code = connections_[socket].closed_with;
    told.reason = code ? reason_of(*code) : "client closed";
    outlet_.happened(std::move(told));
}

void Hub::tell_joined(ChannelId id) {
    if (!limits_.has_events) return;
    joins_told_[id] = ++last_join_;
    Happening told = happening(Happening::Kind::joined, channels_.channel(id).socket);
    told.topic = channels_.topic_of(id).name;
    told.join = last_join_;
    outlet_.happened(std::move(told));
}

void Hub::tell_left(ChannelId id) {
    const auto join = joins_told_.find(id);
    if (join == joins_told_.end()) return;
    Happening told = happening(Happening::Kind::left, channels_.channel(id).socket);
    told.topic = channels_.topic_of(id).name;
    told.join = join->second;
    joins_told_.erase(join);
    outlet_.happened(std::move(told));
}

}  // namespace roost
