// channels: which connection of this shard is a member of which topic.
//
// Kept from both sides, so that neither a broadcast nor a disconnect ever scans. Topics are
// interned: a channel costs a row, not a copy of its topic's name. Members of a topic stand in one
// vector of sockets, in the order of joining except that a leaver's place is taken by the last.
//
// ChannelIds and TopicIds are places in tables and are reused; who keeps one across events must
// drop it when the channel is removed. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/core/outbox.hpp"
#include "daemon/core/rules.hpp"
#include "proto/broadcast.hpp"

namespace roost {

using TopicId = std::uint32_t;
using ChannelId = std::uint32_t;

struct Topic {
    std::string name;
    Bucket bucket = 0;
    const Rule* rule = nullptr;
    std::uint32_t channel_count = 0;     // members, and channels that are still joining
    std::uint32_t positioned_count = 0;  // members that want positions
    std::uint32_t varied_count = 0;      // members that take another frame than the common one
    std::uint32_t resuming_count = 0;    // channels for which its messages are collected
    // The members: who is sent the broadcasts. The two vectors run side by side.
    std::vector<SocketId> member_sockets;
    std::vector<ChannelId> members;
};

struct Channel {
    static constexpr std::uint32_t no_place = UINT32_MAX;

    TopicId topic = 0;
    SocketId socket = 0;
    std::uint32_t place = no_place;  // in Topic::members; no_place while it is joining
    // Raw JSON: the join_ref, or the join's own ref where the join_ref was null, as in Phoenix.
    std::string ref;
    bool is_join_ref_null = false;
    Wire wire = Wire::v2;
    bool is_positioned = false;  // broadcasts carry their positions
    bool is_resuming = false;    // what it missed is being looked for

    std::string_view join_ref() const { return is_join_ref_null ? "null" : std::string_view(ref); }

    // The ref of what ends it. A client of 1.0 is told no join_ref: this is how it knows which of
    // its joins has ended. Phoenix says null there, which clients take for any.
    std::string_view end_ref() const { return wire == Wire::v1 ? ref : join_ref(); }

    bool is_joined() const { return place != no_place; }
    bool is_varied() const { return is_positioned || wire != Wire::v2; }
};

class Channels {
public:
    explicit Channels(unsigned interest_bits = bucket_bits_max) : interest_bits_(interest_bits) {}

    // Room for the socket's list of channels.
    void open(SocketId socket);

    std::optional<TopicId> find_topic(std::string_view name) const;
    std::optional<ChannelId> find(SocketId socket, std::string_view topic) const;

    // A new channel that is still joining. There is none of this socket and topic yet.
    ChannelId add(SocketId socket, Wire wire, std::string_view topic, const Rule* rule,
                  std::string_view join_ref, std::string_view ref);
    void set_resuming(ChannelId channel);
    // From now on it is sent the topic's broadcasts.
    void make_member(ChannelId channel);
    void remove(ChannelId channel);

    const Channel& channel(ChannelId id) const { return channels_[id]; }
    const Topic& topic(TopicId id) const { return topics_[id]; }
    const Topic& topic_of(ChannelId id) const { return topics_[channels_[id].topic]; }
    const std::vector<ChannelId>& of_socket(SocketId socket) const { return by_socket_[socket]; }

    std::size_t topic_count() const { return names_.size(); }
    std::size_t channel_count() const { return channels_.size() - free_channels_.size(); }
    // Name and members of each topic, in no promised order.
    void for_each_topic(const std::function<void(const Topic&)>& visit) const;

private:
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    TopicId intern(std::string_view name, const Rule* rule);

    unsigned interest_bits_;
    std::vector<Topic> topics_;
    std::vector<Channel> channels_;
    std::vector<TopicId> free_topics_;
    std::vector<ChannelId> free_channels_;
    std::vector<std::vector<ChannelId>> by_socket_;
    std::unordered_map<std::string, TopicId, NameHash, std::equal_to<>> names_;
};

}  // namespace roost
