#include "tests/sim/schedules.hpp"

#include "tests/sim/cluster.hpp"

namespace roost::sim {

namespace {

using namespace std::chrono_literals;

class Schedule {
public:
    Schedule(const ClusterConfig& config, const Trace& trace)
        : cluster_(config), network_(cluster_.network()), nodes_(config.nodes) {
        if (trace) cluster_.set_trace(trace);
    }

    Cluster& cluster() { return cluster_; }

    // Clients join, speak and leave at random for a while.
    void chatter(int steps, bool they_return = false) {
        for (int step = 0; step < steps; ++step) {
            const auto dice = network_.random(12);
            const auto node = network_.random(nodes_);
            const auto client = clients_.empty() ? 0 : some_client();
            if (dice < 3 || clients_.empty()) {
                if (is_well(node) && clients_.size() < 40) join(node);
            } else if (dice < 4) {
                if (is_well_of(client)) go(client, they_return);
            } else if (dice < 6 && they_return) {
                if (!cluster_.is_open(client) && is_well(node)) cluster_.come_back(client, node);
            } else if (dice == 6) {
                // More at once than a link may hold.
                for (int i = 0; i < 60; ++i) cluster_.publish(client);
            } else {
                cluster_.publish(client);
            }
            cluster_.run_for(Duration(network_.random(60'000)));
        }
    }

    // One more thing goes wrong, or right again. Nothing that ends a node.
    void trouble_links() {
        const auto a = network_.random(nodes_), b = other_than(a);
        switch (network_.random(9)) {
            case 0: cluster_.cut(a, b); break;
            case 1: cluster_.heal(a, b); break;
            case 2: cluster_.cut_one_way(a, b); break;
            case 3: cluster_.heal_one_way(a, b); break;
            case 4: network_.flap_subscriber(a, b, Duration(network_.random(500'000))); break;
            case 5: network_.flap_caller(a, b, Duration(network_.random(500'000))); break;
            case 6: network_.slow(a, b, Duration(network_.random(200'000))); break;
            case 7:
                if (network_.is_paused(a)) {
                    cluster_.go_on(a);
                } else if (cluster_.is_running(a)) {
                    cluster_.pause(a);
                }
                break;
            default: cluster_.jump(a, Duration(network_.random(5'000'000))); break;
        }
    }

    void trouble_nodes() {
        const auto a = network_.random(nodes_), b = other_than(a);
        switch (network_.random(5)) {
            case 0: cluster_.cut(a, b); break;
            case 1: cluster_.heal(a, b); break;
            case 2:
                if (cluster_.is_running(a)) cluster_.crash(a);
                break;
            case 3:
                if (!cluster_.is_running(a)) cluster_.start(a);
                break;
            default: break;
        }
    }

    void heal_all() {
        for (std::size_t a = 0; a < nodes_; ++a) {
            if (!cluster_.is_running(a)) cluster_.start(a);
            cluster_.go_on(a);
            for (std::size_t b = 0; b < nodes_; ++b) {
                if (a == b) continue;
                cluster_.heal(a, b);
                cluster_.heal_one_way(a, b);
                network_.slow(a, b, 0us);
            }
        }
    }

    void all_come_back() {
        for (ClientId client = 0; client < clients_.size(); ++client) {
            if (!cluster_.is_joined(client)) cluster_.close(client);
            cluster_.come_back(client, network_.random(nodes_));
        }
    }

    void require_mesh() {
        for (std::size_t node = 0; node < nodes_; ++node) {
            if (cluster_.up_as_seen_by(node).size() == nodes_ - 1) continue;
            cluster_.model().breach("node " + std::to_string(node) + " does not see all others");
        }
    }

    // No node has given up anything.
    void require_no_loss() {
        for (std::size_t node = 0; node < nodes_; ++node) {
            const auto& counters = cluster_.group(node).stream_counters();
            if (counters.lost == 0) continue;
            cluster_.model().breach("node " + std::to_string(node) + " gave up " +
                                    std::to_string(counters.lost) + " messages");
        }
    }

    Outcome outcome() {
        Outcome outcome;
        outcome.breaches = cluster_.model().breaches();
        outcome.owed = cluster_.model().owed();
        outcome.owed_to_returned = cluster_.model().owed_to_returned();
        outcome.deliveries = cluster_.model().deliveries();
        outcome.history = network_.history();
        outcome.recovered = cluster_.recovered();
        for (std::size_t node = 0; node < nodes_; ++node) {
            if (!cluster_.is_running(node)) continue;
            outcome.detected += cluster_.group(node).stream_counters().detected;
            outcome.repaired += cluster_.group(node).stream_counters().repaired;
        }
        return outcome;
    }

private:
    bool is_well(std::size_t node) const {
        return cluster_.is_running(node) && !network_.is_paused(node);
    }
    bool is_well_of(ClientId client) const { return !network_.is_paused(cluster_.home_of(client)); }
    ClientId some_client() { return clients_[network_.random(clients_.size())]; }
    std::size_t other_than(std::size_t node) {
        return (node + 1 + network_.random(nodes_ - 1)) % nodes_;
    }
    // A connection that breaks loses what was on it.
    void go(ClientId client, bool has_lost) {
        if (has_lost && network_.random(2) == 0) {
            cluster_.deafen(client);
            cluster_.run_for(Duration(network_.random(200'000)));
            if (!is_well_of(client)) return;
        }
        cluster_.close(client);
    }
    void join(std::size_t node) {
        const auto kind = network_.random(3) == 0 ? JoinKind::plain : JoinKind::positioned;
        clients_.push_back(cluster_.join(node, "room:" + std::to_string(network_.random(4)), kind));
    }

    Cluster cluster_;
    Network& network_;
    std::size_t nodes_;
    std::vector<ClientId> clients_;
};

Outcome peace(std::uint64_t seed, const Trace& trace) {
    Schedule schedule({.nodes = 3, .seed = seed}, trace);
    schedule.cluster().run_for(10s);
    schedule.chatter(120);
    schedule.cluster().run_for(3s);
    schedule.cluster().model().check_reach(schedule.cluster().now());
    schedule.cluster().model().check_nothing_vanished(schedule.cluster().now());
    schedule.require_no_loss();
    return schedule.outcome();
}

Outcome war(std::uint64_t seed, const Trace& trace) {
    Schedule schedule({.nodes = 4, .seed = seed, .has_beacon = seed % 2 == 0}, trace);
    Cluster& cluster = schedule.cluster();
    cluster.run_for(6s);
    for (int round = 0; round < 12; ++round) {
        if (round % 2 == 0) {
            schedule.trouble_nodes();
        } else {
            schedule.trouble_links();
        }
        schedule.chatter(20);
        cluster.run_for(Duration(cluster.network().random(4'000'000)));
    }
    schedule.heal_all();
    cluster.run_for(15s);
    schedule.require_mesh();
    schedule.chatter(40);
    cluster.run_for(3s);
    cluster.model().check_reach(cluster.now());
    return schedule.outcome();
}

Outcome lossless(std::size_t nodes, int rounds, std::uint64_t seed, const Trace& trace) {
    ClusterConfig config{.nodes = nodes, .seed = seed, .has_beacon = seed % 2 == 0};
    config.high_water = seed % 3 == 0 ? 20'000 : 30 + seed % 50;
    config.repair_wait = 10min;  // nothing is to be given up
    Schedule schedule(config, trace);
    Cluster& cluster = schedule.cluster();
    cluster.run_for(nodes > 10 ? 15s : 10s);
    schedule.chatter(30);
    for (int round = 0; round < rounds; ++round) {
        schedule.trouble_links();
        schedule.chatter(10);
        cluster.run_for(
            Duration(cluster.network().random(round % 4 == 0 ? 30'000'000 : 2'000'000)));
    }
    schedule.heal_all();
    cluster.run_for(25s);
    schedule.require_mesh();
    schedule.require_no_loss();
    cluster.model().check_nothing_vanished(cluster.now());
    return schedule.outcome();
}

Outcome resume(std::uint64_t seed, const Trace& trace) {
    ClusterConfig config{.nodes = 4, .seed = seed, .has_beacon = seed % 2 == 0};
    config.high_water = seed % 3 == 0 ? 20'000 : 30 + seed % 50;
    config.rules = {*parse_rule("room:* history=10000,1h")};
    config.repair_wait = 10min;
    Schedule schedule(config, trace);
    Cluster& cluster = schedule.cluster();
    cluster.run_for(10s);
    for (int round = 0; round < 12; ++round) {
        if (round % 3 == 0) {
            schedule.trouble_nodes();
        } else {
            schedule.trouble_links();
        }
        schedule.chatter(15, true);
        cluster.run_for(Duration(cluster.network().random(4'000'000)));
    }
    schedule.heal_all();
    cluster.run_for(25s);
    schedule.require_mesh();
    schedule.all_come_back();
    cluster.run_for(15s);
    cluster.model().check_nothing_vanished(cluster.now());
    return schedule.outcome();
}

}  // namespace

Outcome run_schedule(Kind kind, std::uint64_t seed, const Trace& trace) {
    switch (kind) {
        case Kind::peace: return peace(seed, trace);
        case Kind::war: return war(seed, trace);
        case Kind::lossless: return lossless(4, 16, seed, trace);
        case Kind::resume: return resume(seed, trace);
        case Kind::crowd: return lossless(20, 10, seed, trace);
    }
    return {};
}

}  // namespace roost::sim
