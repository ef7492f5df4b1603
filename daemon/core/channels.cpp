#include "daemon/core/channels.hpp"

#include <algorithm>

#include "daemon/core/invariant.hpp"
#include "proto/json.hpp"

namespace roost {

namespace {

template <class Row>
std::uint32_t take_row(std::vector<Row>& rows, std::vector<std::uint32_t>& free_rows) {
    if (free_rows.empty()) {
        rows.emplace_back();
        return static_cast<std::uint32_t>(rows.size() - 1);
    }
    const auto row = free_rows.back();
    free_rows.pop_back();
    return row;
}

}  // namespace

void Channels::open(SocketId socket) {
    if (socket >= by_socket_.size()) by_socket_.resize(std::size_t{socket} + 1);
    INVARIANT(by_socket_[socket].empty());
}

std::optional<TopicId> Channels::find_topic(std::string_view name) const {
    const auto found = names_.find(name);
    if (found == names_.end()) return std::nullopt;
    return found->second;
}

std::optional<ChannelId> Channels::find(SocketId socket, std::string_view topic) const {
    const auto id = find_topic(topic);
    if (!id) return std::nullopt;
    for (const ChannelId channel : by_socket_[socket]) {
        if (channels_[channel].topic == *id) return channel;
    }
    return std::nullopt;
}

TopicId Channels::intern(std::string_view name, const Rule* rule) {
    if (const auto known = find_topic(name)) return *known;
    const TopicId id = take_row(topics_, free_topics_);
    Topic& topic = topics_[id];
    topic.name = name;
    topic.bucket = bucket_of(name, interest_bits_);
    topic.rule = rule;
    names_.emplace(topic.name, id);
    return id;
}

ChannelId Channels::add(SocketId socket, Wire wire, std::string_view topic, const Rule* rule,
                        std::string_view join_ref, std::string_view ref) {
    const TopicId topic_id = intern(topic, rule);
    const ChannelId id = take_row(channels_, free_channels_);
    const bool is_null = is_json_null(join_ref);
    Channel& channel = channels_[id] = Channel{};
    channel.topic = topic_id;
    channel.socket = socket;
    channel.wire = wire;
    channel.ref = is_null ? ref : join_ref;
    channel.is_join_ref_null = is_null;
    ++topics_[topic_id].channel_count;
    by_socket_[socket].push_back(id);
    return id;
}

void Channels::set_resuming(ChannelId id) {
    Channel& channel = channels_[id];
    INVARIANT(!channel.is_joined() && !channel.is_resuming);
    channel.is_resuming = true;
    ++topics_[channel.topic].resuming_count;
}

void Channels::make_member(ChannelId id) {
    Channel& channel = channels_[id];
    Topic& topic = topics_[channel.topic];
    INVARIANT(!channel.is_joined());
    if (channel.is_resuming) {
        --topic.resuming_count;
        ++topic.positioned_count;
        channel.is_resuming = false;
        channel.is_positioned = true;
    }
    topic.varied_count += channel.is_varied();
    channel.place = static_cast<std::uint32_t>(topic.members.size());
    topic.members.push_back(id);
    topic.member_sockets.push_back(channel.socket);
}

void Channels::remove(ChannelId id) {
    Channel& channel = channels_[id];
    Topic& topic = topics_[channel.topic];
    if (channel.is_joined()) {
        topic.members[channel.place] = topic.members.back();
        topic.member_sockets[channel.place] = topic.member_sockets.back();
        channels_[topic.members[channel.place]].place = channel.place;
        topic.members.pop_back();
        topic.member_sockets.pop_back();
        topic.varied_count -= channel.is_varied();
    }
    topic.resuming_count -= channel.is_resuming;
    topic.positioned_count -= channel.is_positioned;
    auto& of_socket = by_socket_[channel.socket];
    const auto mine = std::find(of_socket.begin(), of_socket.end(), id);
    INVARIANT(mine != of_socket.end());
    *mine = of_socket.back();
    of_socket.pop_back();
    if (of_socket.empty()) of_socket.shrink_to_fit();
    if (--topic.channel_count == 0) {
        names_.erase(topic.name);
        free_topics_.push_back(channel.topic);
        topic = Topic{};
    }
    channel = Channel{};
    free_channels_.push_back(id);
}

void Channels::for_each_topic(const std::function<void(const Topic&)>& visit) const {
    for (const auto& [name, id] : names_) visit(topics_[id]);
}

}  // namespace roost
