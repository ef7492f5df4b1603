#include "tests/sim/schedules.hpp"

#include <algorithm>

namespace roost::sim {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view names[] = {"peace", "war", "crowd", "lossless", "resume"};

struct Stage {
    Cluster& cluster;
    std::vector<ClientId> clients{};
    std::size_t topics = 4;

    Network& network() { return cluster.network(); }
    std::uint64_t draw(std::uint64_t below) { return cluster.network().random(below); }
    std::size_t any_node() { return draw(cluster.size()); }
    std::size_t other_than(std::size_t node) {
        return (node + 1 + draw(cluster.size() - 1)) % cluster.size();
    }
    ClientId any_client() { return clients[draw(clients.size())]; }
    Duration up_to(Duration most) {
        return Duration(1 + draw(static_cast<std::uint64_t>(most.count())));
    }

    void join_someone() {
        const auto node = any_node();
        if (!cluster.is_awake(node)) return;
        clients.push_back(cluster.join(node, "room:" + std::to_string(draw(topics))));
    }

    // Clients join, speak and leave for a while.
    void chatter(int steps) {
        for (int step = 0; step < steps; ++step) {
            const auto dice = draw(10);
            if (dice < 3 || clients.empty()) {
                join_someone();
            } else if (dice < 4) {
                cluster.close(any_client());
            } else {
                cluster.publish(any_client());
            }
            cluster.run_for(up_to(60ms));
        }
    }

    // Of those who stay, some speak: now and then much at once.
    void speak(int steps, std::uint64_t burst) {
        for (int step = 0; step < steps; ++step) {
            if (clients.empty()) return;
            const auto speaker = any_client();
            const auto times = draw(4) == 0 ? 1 + draw(burst) : 1;
            for (std::uint64_t said = 0; said < times; ++said) cluster.publish(speaker);
            cluster.run_for(up_to(60ms));
        }
    }

    void come_and_go(int steps) {
        for (int step = 0; step < steps && !clients.empty(); ++step) {
            const auto client = any_client();
            const auto node = any_node();
            switch (draw(3)) {
                case 0:
                    if (draw(2) == 0) {
                        cluster.deafen(client);
                        cluster.run_for(up_to(300ms));
                    }
                    cluster.close(client);
                    break;
                case 1:
                    if (cluster.is_awake(node)) cluster.come_back(client, node);
                    break;
                default: cluster.publish(any_client()); break;
            }
            cluster.run_for(up_to(60ms));
        }
    }

    // What goes wrong without a node's end.
    void disturb() {
        const auto a = any_node(), b = other_than(a);
        switch (draw(11)) {
            case 0: return cluster.cut(a, b);
            case 1: return cluster.heal(a, b);
            case 2: return cluster.cut_one_way(a, b);
            case 3: cluster.heal_one_way(a, b); return cluster.heal_one_way(b, a);
            case 4: return cluster.flap(a, b, Duration{});
            case 5: return cluster.flap(a, b, up_to(2s));
            case 6: return cluster.flap_caller(a, b, up_to(1s));
            case 7: return cluster.slow(a, b, draw(2) == 0 ? Duration{} : up_to(200ms));
            case 8: return cluster.pause(a, up_to(draw(2) == 0 ? 900ms : 6s));
            case 9: return cluster.jump(a, up_to(8s));
            default: return;
        }
    }

    void kill_or_start() {
        const auto node = any_node();
        if (cluster.is_running(node)) {
            cluster.crash(node);
        } else {
            cluster.start(node);
        }
    }

    // Cuts end, and nodes that stand still go on; then the group must be whole again.
    void heal() {
        cluster.heal_all();
        cluster.run_for(22s);
        for (std::size_t node = 0; node < cluster.size(); ++node) {
            const auto seen = cluster.up_as_seen_by(node).size();
            if (seen + 1 == cluster.size()) continue;
            cluster.model().breach("node" + std::to_string(node) + " sees " + std::to_string(seen) +
                                   " others, there are " + std::to_string(cluster.size() - 1));
        }
    }
};

void peace(Stage& stage) {
    stage.cluster.run_for(10s);
    stage.chatter(120);
    stage.cluster.run_for(3s);
    stage.cluster.model().check_reach(stage.cluster.now());
}

void war(Stage& stage) {
    stage.cluster.run_for(6s);
    for (int round = 0; round < 12; ++round) {
        if (stage.draw(3) == 0) {
            stage.kill_or_start();
        } else {
            stage.disturb();
        }
        stage.chatter(25);
        stage.cluster.run_for(stage.up_to(4s));
    }
    stage.heal();
    stage.chatter(40);
    stage.cluster.run_for(3s);
    stage.cluster.model().check_reach(stage.cluster.now());
}

// The clients stay; some come while something is wrong.
void lossless(Stage& stage, const Promises& promises) {
    stage.cluster.run_for(12s);
    for (int i = 0; i < 10; ++i) stage.join_someone();
    stage.cluster.run_for(2s);
    for (int round = 0; round < 10; ++round) {
        stage.disturb();
        if (stage.draw(12) == 0) stage.kill_or_start();
        if (stage.draw(4) == 0) stage.join_someone();
        stage.speak(12, 60);
        stage.cluster.run_for(stage.up_to(3s));
    }
    stage.heal();
    stage.speak(12, 1);
    stage.cluster.run_for(12s);
    if (promises.repair) stage.cluster.model().check_nothing_vanished(stage.cluster.now());
}

void resume(Stage& stage, const Promises& promises) {
    stage.cluster.run_for(12s);
    for (int i = 0; i < 10; ++i) stage.join_someone();
    stage.cluster.run_for(2s);
    for (int round = 0; round < 8; ++round) {
        if (stage.draw(3) == 0) stage.disturb();
        if (stage.draw(12) == 0) stage.kill_or_start();
        stage.come_and_go(25);
        stage.cluster.run_for(stage.up_to(2s));
    }
    stage.heal();
    for (const ClientId client : stage.clients) stage.cluster.come_back(client, stage.any_node());
    stage.cluster.run_for(5s);
    stage.speak(12, 1);
    stage.cluster.run_for(12s);
    if (promises.resume) stage.cluster.model().check_nothing_vanished(stage.cluster.now());
}

ClusterConfig config_of(Kind kind, std::uint64_t seed, const Promises& promises) {
    ClusterConfig config;
    config.seed = seed;
    switch (kind) {
        case Kind::peace: config.nodes = 3; break;
        case Kind::war:
            config.nodes = 4;
            config.has_beacon = seed % 2 == 0;
            break;
        case Kind::crowd:
            config.nodes = 20;
            config.has_beacon = seed % 2 == 0;
            break;
        case Kind::lossless:
            config.nodes = 3 + seed % 3;
            config.high_water = seed % 4 == 0 ? 20'000 : 8 << seed % 4;
            config.has_positions = true;
            break;
        case Kind::resume:
            config.nodes = 3 + seed % 3;
            config.high_water = seed % 4 == 0 ? 50 : 20'000;
            config.has_positions = true;
            if (promises.resume) config.rules = {"room:* history=1000,10m"};
            break;
    }
    return config;
}

}  // namespace

std::string_view name_of(Kind kind) {
    return names[static_cast<std::size_t>(kind)];
}

std::optional<Kind> kind_of_name(std::string_view name) {
    const auto found = std::find(std::begin(names), std::end(names), name);
    if (found == std::end(names)) return std::nullopt;
    return kinds[found - std::begin(names)];
}

Outcome run_schedule(Kind kind, std::uint64_t seed, const Promises& promises, Trace trace) {
    ClusterConfig config = config_of(kind, seed, promises);
    config.trace = std::move(trace);
    Cluster cluster(std::move(config));
    Stage stage{cluster};
    switch (kind) {
        case Kind::peace: peace(stage); break;
        case Kind::war:
        case Kind::crowd: war(stage); break;
        case Kind::lossless: lossless(stage, promises); break;
        case Kind::resume: resume(stage, promises); break;
    }
    const Model& model = cluster.model();
    return {model.breaches(),
            model.deliveries(),
            model.owed(),
            model.owed_to_returned(),
            model.excused(),
            cluster.recovered(),
            cluster.not_recovered(),
            cluster.network().history()};
}

}  // namespace roost::sim
