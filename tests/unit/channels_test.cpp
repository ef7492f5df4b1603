#include "daemon/core/channels.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace roost;

namespace {

const Rule rule{"*", JoinPolicy::open, PushPolicy::broadcast, {}};

struct Fixture {
    Fixture() {
        for (SocketId socket = 0; socket < 4; ++socket) channels.open(socket);
    }
    ChannelId join(SocketId socket, std::string_view topic) {
        const auto id = channels.add(socket, Wire::v2, topic, &rule, "\"1\"", "\"1\"");
        channels.make_member(id);
        return id;
    }
    std::vector<SocketId> members(std::string_view topic) const {
        const auto id = channels.find_topic(topic);
        return id ? channels.topic(*id).member_sockets : std::vector<SocketId>{};
    }

    Channels channels;
};

}  // namespace

TEST_CASE("a channel that is joining is found but is no member") {
    Fixture f;
    const auto id = f.channels.add(2, Wire::v2, "room:a", &rule, "\"7\"", "\"7\"");
    CHECK(f.channels.find(2, "room:a") == id);
    CHECK_FALSE(f.channels.channel(id).is_joined());
    CHECK(f.channels.channel(id).socket == 2);
    CHECK(f.channels.channel(id).join_ref() == "\"7\"");
    CHECK(f.channels.topic_of(id).name == "room:a");
    CHECK(f.channels.topic_of(id).bucket == bucket_of("room:a"));
    CHECK(f.channels.topic_of(id).rule == &rule);
    CHECK(f.channels.topic_of(id).channel_count == 1);
    CHECK(f.members("room:a").empty());

    f.channels.make_member(id);
    CHECK(f.channels.channel(id).is_joined());
    CHECK(f.members("room:a") == std::vector<SocketId>{2});
}

TEST_CASE("channels are found by socket and topic only") {
    Fixture f;
    f.join(0, "room:a");
    CHECK_FALSE(f.channels.find(1, "room:a"));
    CHECK_FALSE(f.channels.find(0, "room:b"));
    CHECK_FALSE(f.channels.find_topic("room"));
}

TEST_CASE("members stand in the order of joining, and a leaver's place is taken by the last") {
    Fixture f;
    std::vector<ChannelId> ids;
    for (SocketId socket = 0; socket < 4; ++socket) ids.push_back(f.join(socket, "room:a"));
    CHECK(f.members("room:a") == std::vector<SocketId>{0, 1, 2, 3});
    f.channels.remove(ids[1]);
    CHECK(f.members("room:a") == std::vector<SocketId>{0, 3, 2});
    f.channels.remove(ids[3]);
    CHECK(f.members("room:a") == std::vector<SocketId>{0, 2});
    f.channels.remove(ids[2]);
    CHECK(f.members("room:a") == std::vector<SocketId>{0});
}

TEST_CASE("the two vectors of a topic run side by side") {
    Fixture f;
    for (SocketId socket = 0; socket < 4; ++socket) f.join(socket, "room:a");
    f.channels.remove(*f.channels.find(0, "room:a"));
    const Topic& topic = f.channels.topic(*f.channels.find_topic("room:a"));
    REQUIRE(topic.members.size() == topic.member_sockets.size());
    for (std::size_t i = 0; i < topic.members.size(); ++i) {
        CHECK(f.channels.channel(topic.members[i]).socket == topic.member_sockets[i]);
        CHECK(f.channels.channel(topic.members[i]).place == i);
    }
}

TEST_CASE("a topic lives as long as it has a channel, joined or joining") {
    Fixture f;
    const auto joined = f.join(0, "room:a");
    const auto joining = f.channels.add(1, Wire::v2, "room:a", &rule, "\"1\"", "\"1\"");
    CHECK(f.channels.topic_count() == 1);
    CHECK(f.channels.channel_count() == 2);
    f.channels.remove(joined);
    CHECK(f.channels.find_topic("room:a"));
    f.channels.remove(joining);
    CHECK_FALSE(f.channels.find_topic("room:a"));
    CHECK(f.channels.topic_count() == 0);
    CHECK(f.channels.channel_count() == 0);
}

TEST_CASE("a socket's channels are listed, and none is left when all are removed") {
    Fixture f;
    for (const auto* topic : {"a", "b", "c"}) f.join(0, topic);
    CHECK(f.channels.of_socket(0).size() == 3);
    while (!f.channels.of_socket(0).empty()) f.channels.remove(f.channels.of_socket(0).front());
    CHECK(f.channels.topic_count() == 0);
    f.channels.open(0);
    f.join(0, "b");
    CHECK(f.members("b") == std::vector<SocketId>{0});
}

TEST_CASE("for_each_topic visits each topic once") {
    Fixture f;
    f.join(0, "a");
    f.join(1, "a");
    f.join(1, "b");
    std::vector<std::string> seen;
    f.channels.for_each_topic([&](const Topic& topic) {
        seen.push_back(topic.name + std::to_string(topic.channel_count));
    });
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<std::string>{"a2", "b1"});
}

TEST_CASE("ten thousand comings and goings leave nothing behind") {
    Fixture f;
    for (int i = 0; i < 10'000; ++i) {
        const auto socket = static_cast<SocketId>(i % 4);
        const auto topic = "room:" + std::to_string(i * 7 % 13);
        if (const auto id = f.channels.find(socket, topic)) {
            f.channels.remove(*id);
        } else {
            f.join(socket, topic);
        }
    }
    for (SocketId socket = 0; socket < 4; ++socket) {
        while (!f.channels.of_socket(socket).empty()) {
            f.channels.remove(f.channels.of_socket(socket).back());
        }
    }
    CHECK(f.channels.channel_count() == 0);
    CHECK(f.channels.topic_count() == 0);
}

TEST_CASE("a channel that resumed has positions, and both are counted by its topic") {
    Fixture f;
    f.join(0, "room:a");
    const auto id = f.channels.add(1, Wire::v2, "room:a", &rule, "\"1\"", "\"1\"");
    f.channels.set_resuming(id);
    CHECK(f.channels.topic_of(id).resuming_count == 1);
    CHECK(f.channels.topic_of(id).positioned_count == 0);
    CHECK_FALSE(f.channels.channel(id).is_positioned);
    f.channels.make_member(id);
    CHECK(f.channels.topic_of(id).resuming_count == 0);
    CHECK(f.channels.topic_of(id).positioned_count == 1);
    CHECK(f.channels.channel(id).is_positioned);
    f.channels.remove(id);
    const auto& topic = f.channels.topic(*f.channels.find_topic("room:a"));
    CHECK(topic.positioned_count == 0);
    const auto gone = f.channels.add(2, Wire::v2, "room:a", &rule, "\"1\"", "\"1\"");
    f.channels.set_resuming(gone);
    f.channels.remove(gone);
    CHECK(f.channels.topic(*f.channels.find_topic("room:a")).resuming_count == 0);
    const auto next = f.channels.add(3, Wire::v2, "room:a", &rule, "\"1\"", "\"1\"");
    CHECK_FALSE(f.channels.channel(next).is_resuming);
}
