// bench_load: puts one node under load and prints what that cost it.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tests/bench/loads.hpp"
#include "tests/bench/process.hpp"

namespace {

constexpr const char* usage =
    "bench_load fanout PORT PID SUBSCRIBERS MESSAGES MESSAGES-A-TURN\n"
    "bench_load storm PORT PID CLIENTS TOPICS\n";

int run(const std::vector<std::string>& words) {
    using namespace roost::bench;
    const auto number = [&](std::size_t i) { return std::size_t{std::stoul(words[i])}; };
    const bool is_fanout = words.size() == 6 && words[0] == "fanout";
    const bool is_storm = words.size() == 5 && words[0] == "storm";
    if (!is_fanout && !is_storm) {
        std::fputs(usage, stderr);
        return 2;
    }
    raise_descriptor_limit();
    const Server server{static_cast<std::uint16_t>(number(1)), static_cast<pid_t>(number(2))};
    if (is_fanout) return fan_out(server, number(3), number(4), number(5)) ? 0 : 1;
    storm(server, number(3), number(4));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_load: %s\n", error.what());
        return 1;
    }
}
