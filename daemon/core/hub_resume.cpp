// The part of Hub that serves channels with positions: resuming, and telling what is lost.
#include "daemon/core/hub.hpp"
#include "daemon/core/invariant.hpp"
#include "daemon/core/planted.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {

// The members of what a backend has answered to the join stand behind those of the node.
std::string with_members(std::string object, const backend::Response& response) {
    if (response.is_binary || !is_json_object(response.payload)) return object.append("}");
    std::string key;
    for_each_member(response.payload, [&](std::string_view name, std::string_view value) {
        key.clear();
        append_quoted(key, name);
        object.append(",").append(key).append(":").append(value);
        return true;
    });
    return object.append("}");
}

}  // namespace

// The bucket is live. From now on the topic's messages are collected; what was published before is
// in the histories, which are asked.
void Hub::begin_resume(ChannelId id) {
    WaitingJoin& join = waiting(id);
    channels_.set_resuming(id);
    join.resuming = ++last_resume_;
    resuming_[join.resuming] = id;
    outlet_.resume(join.resuming, channels_.topic_of(id).name, *join.since);
}

void Hub::collect(const BroadcastRef& broadcast) {
    std::vector<SocketId> over;
    for (auto it = waiting_.lower_bound({broadcast->bucket(), 0});
         it != waiting_.end() && it->first.first == broadcast->bucket(); ++it) {
        const Channel& channel = channels_.channel(it->first.second);
        if (!channel.is_resuming || channels_.topic(channel.topic).name != broadcast->topic()) {
            continue;
        }
        it->second.collected.push_back(broadcast);
        if (it->second.collected.size() > limits::collected_max) over.push_back(channel.socket);
    }
    for (const SocketId socket : over) {
        outlet_.note({FactKind::client_closed_slow, {}, {}, socket});
        close(socket, CloseCode::try_later);
    }
}

// Half of what may wait for a client, so that its live messages have room beside it. The newest are
// told, and it is said that they are not all.
void Hub::limit_replay(Replay& replay, bool& is_truncated) const {
    const std::size_t bytes_max = limits_.outbox.bytes_max / 2;
    std::size_t bytes = 0, first = replay.messages.size();
    while (first > 0) {
        bytes += replay.messages[first - 1]->frame().size() + 64;
        if (bytes > bytes_max) break;
        --first;
    }
    is_truncated = first > 0;
    if (!is_truncated) return;
    replay.is_recovered = false;
    for (std::size_t i = 0; i < first; ++i) {
        replay.positions[replay.messages[i]->origin()] = replay.messages[i]->number();
    }
    replay.messages.erase(replay.messages.begin(),
                          replay.messages.begin() + static_cast<std::ptrdiff_t>(first));
}

void Hub::on_resumed(Ticket ticket, Replay replay, Time now) {
    const auto found = resuming_.find(ticket);
    if (found == resuming_.end()) return;
    const ChannelId id = found->second;
    resuming_.erase(found);
    const auto row = waiting_.find({channels_.topic_of(id).bucket, id});
    INVARIANT(row != waiting_.end());
    WaitingJoin join = std::move(row->second);
    waiting_.erase(row);

    bool is_truncated = false;
    limit_replay(replay, is_truncated);
    std::string response = R"({"positions":)" + positions_json(replay.positions);
    response.append(replay.is_recovered ? R"(,"recovered":true)" : R"(,"recovered":false)");
    response.append(R"(,"replayed":)" + std::to_string(replay.messages.size()));
    if (is_truncated) response.append(R"(,"truncated":true)");
    join.response.payload = with_members(std::move(response), join.response);
    join.response.is_binary = false;
    complete_join(id, join.ref, join.response);

    // Then what it missed, then what was published while that was looked for.
    const SocketId socket = channels_.channel(id).socket;
    const Wire wire = connections_[socket].wire;
    Positions told = std::move(replay.positions);
    const auto tell = [&](const BroadcastRef& broadcast) {
        std::uint64_t& last = told[broadcast->origin()];
        if (broadcast->number() <= last) return;
        last = broadcast->number();
        if (excepted(*broadcast) == socket) return;
        // Its publisher may repeat it.
        dedup_.admit(broadcast->topic(), broadcast->id(), now);
        outbox_.put(socket, broadcast->frame_for(wire, true));
        ++counters_.deliveries;
    };
    if (ROOST_PLANTED(5)) std::swap(replay.messages, join.collected);  // live before the replay
    for (const auto& broadcast : replay.messages) tell(broadcast);
    for (const auto& broadcast : join.collected) tell(broadcast);
    // The fabric may have had a message of another shard before this one.
    for (const auto& [origin, number] : told) {
        const bool is_sister =
            origin.incarnation == origin_.incarnation && origin.shard != origin_.shard;
        if (is_sister && number > 0) replay.ahead[origin] = number;
    }
    if (!replay.ahead.empty()) ahead_[id] = std::move(replay.ahead);
    finish_join({session_of(socket), channels_.topic_of(id).name, std::move(join)}, now);
}

bool Hub::knows_already(ChannelId id, const Broadcast& broadcast) {
    if (ahead_.empty()) return false;
    const auto known = ahead_.find(id);
    if (known == ahead_.end()) return false;
    const auto number = known->second.find(broadcast.origin());
    if (number == known->second.end()) return false;
    if (broadcast.number() <= number->second) return true;
    known->second.erase(number);
    if (known->second.empty()) ahead_.erase(known);
    return false;
}

void Hub::on_gap(const Gap& gap) {
    const std::string payload = R"({"origin":")" + origin_text(gap.origin) + R"(","from":)" +
                                std::to_string(gap.from) + R"(,"to":)" + std::to_string(gap.to) +
                                "}";
    channels_.for_each_topic([&](const Topic& topic) {
        if (topic.bucket != gap.bucket) return;
        tell_positioned(topic, position_text(gap.origin, gap.to), "roost:gap", payload);
    });
}

// A message that does not show has a position all the same: or a client that comes back elsewhere
// would be told it.
void Hub::tell_repeated(const Broadcast& broadcast) {
    const auto topic = channels_.find_topic(broadcast.topic());
    tell_positioned(channels_.topic(*topic), broadcast.position(), "roost:duplicate", "{}");
}

void Hub::tell_positioned(const Topic& topic, std::string_view position, std::string_view event,
                          std::string_view payload) {
    if (topic.positioned_count == 0) return;
    std::string raw_topic, raw_position;
    append_quoted(raw_topic, topic.name);
    append_quoted(raw_position, position);
    for (std::size_t i = 0; i < topic.members.size(); ++i) {
        if (!channels_.channel(topic.members[i]).is_positioned) continue;
        put_push(topic.member_sockets[i], "null", raw_position, raw_topic, event, payload);
    }
}

}  // namespace roost
