// count_core: one case of work of the core, done in the function `measured`, of which a profiler
// counts the instructions. Prints how many units of work that was, and says so if not all came.
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/core/bench_node.hpp"

namespace {

using roost::SocketId;
using roost::bench::BenchNode;

// What is measured, and how many units it is.
struct Work {
    std::function<void()> run;
    std::size_t units = 0;
};

// Where the profiler begins and ends to count, by this name.
extern "C" [[gnu::noinline]] void measured(const Work& work) {
    work.run();
}

void require(bool is_so, const char* what) {
    if (!is_so) throw std::runtime_error(what);
}

std::string push(const std::string& topic) {
    static const std::string payload =
        R"({"n":"00000000","pad":")" + std::string(103, 'x') + R"("})";
    return R"(["1","2",")" + topic + R"(","m",)" + payload + "]";
}

std::string call(const std::string& topic, const std::string& event) {
    return R"(["1","1",")" + topic + R"(",")" + event + R"(",{}])";
}

std::vector<SocketId> open(BenchNode& node, std::size_t count) {
    std::vector<SocketId> sockets;
    for (std::size_t i = 0; i < count; ++i) sockets.push_back(node.open());
    return sockets;
}

void join(BenchNode& node, SocketId socket, const std::string& topic) {
    node.say(socket, call(topic, "phx_join"));
    if (socket % 64 == 0) node.settle();
}

// What grows in the first turns has grown before anything is counted.
Work after_warm_up(std::size_t turns, std::size_t units_a_turn, std::function<void()> turn) {
    for (int i = 0; i < 5; ++i) turn();
    return {[turns, turn = std::move(turn)] {
                for (std::size_t i = 0; i < turns; ++i) turn();
            },
            turns * units_a_turn};
}

// One topic, one of its members publishes; a unit is a delivery.
Work fan_out(std::size_t members, std::size_t messages_a_turn, std::size_t turns) {
    const auto node = std::make_shared<BenchNode>(0);
    const auto sockets = open(*node, members);
    for (const auto socket : sockets) join(*node, socket, "bench");
    node->settle();
    require(node->channel_count() == members, "not all have joined");
    const auto turn = [node, messages_a_turn, text = push("bench")] {
        for (std::size_t i = 0; i < messages_a_turn; ++i) node->say(0, text);
        node->end_turn();
    };
    const auto before = node->deliveries();
    turn();
    require(node->deliveries() - before == messages_a_turn * members, "deliveries are missing");
    return after_warm_up(turns, messages_a_turn * members, turn);
}

// Rooms of ten, of which every member speaks; a unit is a message: taken, answered, delivered ten
// times. A turn is one room.
Work rooms(std::size_t turns) {
    constexpr std::size_t members = 10;
    const auto node = std::make_shared<BenchNode>(0);
    const auto sockets = open(*node, 100 * members);
    const auto texts = std::make_shared<std::vector<std::string>>();
    for (const auto socket : sockets) {
        const auto room = "room:" + std::to_string(socket / members);
        join(*node, socket, room);
        texts->push_back(push(room));
    }
    node->settle();
    const auto next = std::make_shared<SocketId>(0);
    return after_warm_up(turns, members, [node, texts, next] {
        for (std::size_t i = 0; i < members; ++i)
            node->say(*next + static_cast<SocketId>(i), (*texts)[*next]);
        node->end_turn();
        *next = static_cast<SocketId>((*next + members) % texts->size());
    });
}

// A thousand connections, each joined to so many topics of its own.
std::shared_ptr<BenchNode> with_topics(std::size_t topics) {
    const auto node = std::make_shared<BenchNode>(0);
    const auto sockets = open(*node, 1000);
    for (std::size_t i = 0; i < topics; ++i) {
        join(*node, sockets[i % sockets.size()], "topic:" + std::to_string(i));
    }
    node->settle();
    require(node->channel_count() == topics, "not all have joined");
    return node;
}

// A unit is a message to the one member of its topic: each time another topic.
Work message_among(std::size_t topics, std::size_t turns) {
    const auto node = with_topics(topics);
    const auto next = std::make_shared<std::size_t>(0);
    return after_warm_up(turns, 1, [node, next, topics] {
        const auto topic = *next = (*next + 7919) % topics;
        node->say(static_cast<SocketId>(topic % 1000), push("topic:" + std::to_string(topic)));
        node->end_turn();
    });
}

// A unit is a join of a new topic, and its leave.
Work join_among(std::size_t topics, std::size_t turns) {
    const auto node = with_topics(topics);
    const auto next = std::make_shared<std::size_t>(0);
    return after_warm_up(turns, 1, [node, next] {
        const auto topic = "new:" + std::to_string(++*next);
        node->say(0, call(topic, "phx_join"));
        node->settle();
        node->say(0, call(topic, "phx_leave"));
        node->settle();
    });
}

struct Pair {
    BenchNode publisher{0}, receiver{1};
};

std::shared_ptr<Pair> linked() {
    const auto pair = std::make_shared<Pair>();
    pair->publisher.link(pair->receiver);
    pair->receiver.link(pair->publisher);
    pair->publisher.run_for(std::chrono::seconds(8));
    require(pair->publisher.peers_in_view() == 1, "the nodes do not see each other");
    pair->publisher.open();
    for (const auto socket : open(pair->receiver, 10)) {
        pair->receiver.say(socket, call("bench", "phx_join"));
    }
    pair->publisher.say(0, call("bench", "phx_join"));
    pair->receiver.settle();
    pair->publisher.run_for(std::chrono::seconds(1));
    require(pair->publisher.channel_count() == 1 && pair->receiver.channel_count() == 10,
            "not all have joined");
    return pair;
}

// A unit is a message that a node takes from a client and gives to the group.
Work cross_out(std::size_t turns) {
    const auto pair = linked();
    return after_warm_up(turns, 1, [pair, text = push("bench")] {
        pair->publisher.say(0, text);
        pair->publisher.end_turn();
    });
}

// A unit is a message that comes from another node for ten members.
Work cross_in(std::size_t turns) {
    const auto pair = linked();
    for (std::size_t i = 0; i < turns; ++i) {
        pair->publisher.say(0, push("bench"));
        pair->publisher.end_turn();
    }
    const auto before = pair->receiver.deliveries();
    return {[pair, before, turns] {
                pair->receiver.take_published();
                require(pair->receiver.deliveries() - before == 10 * turns,
                        "deliveries are missing");
            },
            turns};
}

const std::map<std::string, std::function<Work()>>& cases() {
    static const std::map<std::string, std::function<Work()>> all = {
        {"delivery-one-a-turn", [] { return fan_out(1000, 1, 50); }},
        {"delivery-ten-a-turn", [] { return fan_out(1000, 10, 10); }},
        {"delivery-10-members", [] { return fan_out(10, 1, 500); }},
        {"delivery-10000-members", [] { return fan_out(10'000, 1, 5); }},
        {"message-in-a-room", [] { return rooms(500); }},
        {"message-of-100-topics", [] { return message_among(100, 2000); }},
        {"message-of-100000-topics", [] { return message_among(100'000, 2000); }},
        {"join-of-100-topics", [] { return join_among(100, 2000); }},
        {"join-of-100000-topics", [] { return join_among(100'000, 2000); }},
        {"cross-node-out", [] { return cross_out(2000); }},
        {"cross-node-in", [] { return cross_in(900); }},
    };
    return all;
}

int run(const std::string& name) {
    const auto found = cases().find(name);
    if (found == cases().end()) {
        std::fputs("count_core CASE, which is one of\n", stderr);
        for (const auto& [known, make] : cases()) std::fprintf(stderr, "    %s\n", known.c_str());
        return 2;
    }
    const Work work = found->second();
    measured(work);
    std::printf("%zu\n", work.units);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc == 2 ? argv[1] : "");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "count_core: %s\n", error.what());
        return 1;
    }
}
