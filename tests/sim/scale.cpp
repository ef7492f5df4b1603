// scale: what a group costs by itself, without clients, by its size. Numbers, not verdicts.
//
//   scale [--beacon] [NODES ...]   (20 50 200)
//
// 100,000 topics are spread over the nodes. Nothing is published: all that is sent is the group's
// own chatter. Times are those of the simulation, with links of up to 20 ms. Without beacons each
// node knows the first. The fence answers come with a proof of each link, so not in a steady state.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "proto/group_wire.hpp"
#include "tests/sim/cluster.hpp"

using namespace roost;
using namespace roost::sim;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t topics = 100'000;
constexpr Duration look = 20ms;
constexpr Duration most = 60s;

struct Traffic {
    std::uint64_t messages = 0, bytes = 0;
};
using Traffics = std::map<std::string, Traffic>;

// A directed message begins with its kind, as a short string in an array.
std::string_view kind_of(std::string_view bytes) {
    if (bytes.size() < 2 || (bytes[1] & 0xe0) != 0xa0) return "bytes";
    return bytes.substr(2, static_cast<std::size_t>(bytes[1] & 0x1f));
}

std::string kind(Lane lane, std::string_view bytes) {
    switch (lane) {
        case Lane::published:
            if (bytes[0] == group::heartbeat_key) return "heartbeat";
            return bytes[0] == group::fence_key ? "fence answer" : "broadcast";
        case Lane::beacons: return "beacon";
        default: return std::string(kind_of(bytes));
    }
}

double seconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1e6;
}

// The time until it is so; nothing is looked at in between but every 20 ms.
template <typename Condition>
Duration until(Cluster& cluster, Condition is_so) {
    const Time begin = cluster.now();
    while (!is_so() && cluster.now() - begin < most) cluster.run_for(look);
    return cluster.now() - begin;
}

bool see_all(const Cluster& cluster, std::size_t others) {
    for (std::size_t node = 0; node < cluster.size(); ++node) {
        if (cluster.is_running(node) && cluster.group(node).peers_in_view() != others) return false;
    }
    return true;
}

void split(Cluster& cluster, bool is_cut) {
    const auto half = cluster.size() / 2;
    for (std::size_t a = 0; a < half; ++a) {
        for (std::size_t b = half; b < cluster.size(); ++b) {
            if (is_cut) {
                cluster.cut(a, b);
            } else {
                cluster.heal(a, b);
            }
        }
    }
}

void print(const Traffics& traffics, std::size_t nodes, Duration time) {
    Traffic sum;
    std::printf("    %-14s %12s %12s   each node sends\n", "", "messages/s", "bytes/s");
    const auto line = [&](const char* name, const Traffic& traffic) {
        const double per = seconds(time) * static_cast<double>(nodes);
        std::printf("    %-14s %12.1f %12.0f\n", name, static_cast<double>(traffic.messages) / per,
                    static_cast<double>(traffic.bytes) / per);
    };
    for (const auto& [name, traffic] : traffics) {
        line(name.c_str(), traffic);
        sum.messages += traffic.messages;
        sum.bytes += traffic.bytes;
    }
    line("sum", sum);
}

void measure(std::size_t nodes, bool has_beacon) {
    ClusterConfig config;
    config.nodes = nodes;
    config.has_beacon = has_beacon;
    Cluster cluster(config);
    Traffics traffics;
    bool is_counting = false;
    std::uint64_t fence_answers = 0;
    cluster.network().on_send = [&](Lane lane, std::size_t, std::size_t, std::string_view bytes) {
        fence_answers += lane == Lane::published && bytes[0] == group::fence_key;
        if (!is_counting) return;
        Traffic& traffic = traffics[kind(lane, bytes)];
        ++traffic.messages;
        traffic.bytes += bytes.size();
    };
    for (std::size_t topic = 0; topic < topics; ++topic) {
        cluster.want(topic % nodes, bucket_of("topic:" + std::to_string(topic)));
    }
    std::printf("%zu nodes, %zu topics\n", nodes, topics);
    const auto formed = until(cluster, [&] { return see_all(cluster, nodes - 1); });
    std::printf("    all see all after %.2f s, and %llu fence answers\n", seconds(formed),
                static_cast<unsigned long long>(fence_answers));
    std::fflush(stdout);

    cluster.run_for(3s);
    is_counting = true;
    constexpr Duration time = 5s;
    cluster.run_for(time);
    is_counting = false;
    print(traffics, nodes, time);

    const auto victim = nodes / 2;
    cluster.crash(victim);
    const auto detected = until(cluster, [&] { return see_all(cluster, nodes - 2); });
    cluster.start(victim);
    const auto back = until(cluster, [&] { return see_all(cluster, nodes - 1); });
    std::printf("    a crash is known to all after %.2f s, the new start after %.2f s\n",
                seconds(detected), seconds(back));
    std::fflush(stdout);

    split(cluster, true);
    const auto parted =
        until(cluster, [&] { return cluster.group(0).peers_in_view() == nodes / 2 - 1; });
    cluster.run_for(5s);
    split(cluster, false);
    const auto healed = until(cluster, [&] { return see_all(cluster, nodes - 1); });
    std::printf("    a split in halves is known after %.2f s, healed after %.2f s\n",
                seconds(parted), seconds(healed));
    std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
    std::vector<std::size_t> sizes;
    bool has_beacon = false;
    for (int at = 1; at < count; ++at) {
        const std::string word = words[at];
        if (word == "--beacon") {
            has_beacon = true;
        } else if (std::strtoul(word.c_str(), nullptr, 10) >= 4) {
            sizes.push_back(std::strtoul(word.c_str(), nullptr, 10));
        } else {
            std::fprintf(stderr, "scale: %s is no size of a group; 4 or more\n", word.c_str());
            return 2;
        }
    }
    if (sizes.empty()) sizes = {20, 50, 200};
    for (const auto size : sizes) measure(size, has_beacon);
}
