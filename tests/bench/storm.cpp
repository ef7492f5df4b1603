#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/bench/crowd.hpp"
#include "tests/bench/loads.hpp"
#include "tests/bench/process.hpp"

namespace roost::bench {

namespace {

// When it has stopped to change: the kernel and the node have then dealt with all that was sent.
std::uint64_t pss_at_rest(pid_t process) {
    for (std::uint64_t before = 0;;) {
        const std::uint64_t now = pss_bytes(process);
        if (now == before) return now;
        before = now;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

}  // namespace

void storm(const Server& server, std::size_t clients, std::size_t topics) {
    // What it takes for its first connections is not what a connection costs.
    Crowd(server.port).join(10, [](std::size_t) { return "warm"; });
    const std::uint64_t memory = pss_at_rest(server.process);
    const double server_cpu = cpu_seconds(server.process);
    const auto begin = std::chrono::steady_clock::now();
    Crowd crowd(server.port);
    crowd.join(clients, [topics](std::size_t i) { return "room:" + std::to_string(i % topics); });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    const double used = cpu_seconds(server.process) - server_cpu;
    const std::uint64_t grown = pss_at_rest(server.process) - memory;

    const auto count = static_cast<double>(clients);
    std::printf("bytes_per_connection %.0f\n", static_cast<double>(grown) / count);
    std::printf("server_cpu_us_per_join %.1f\n", used * 1e6 / count);
    std::printf("joins_per_second %.0f\n", count / time.count());
}

}  // namespace roost::bench
