#include "tests/bench/process.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace roost::bench {

namespace {

std::ifstream open_of(pid_t process, const char* name) {
    const std::string path = "/proc/" + std::to_string(process) + "/" + name;
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    return file;
}

// Nanoseconds on a processor, of the threads that live. Finer than the ticks of /proc/PID/stat,
// which miss what sleeps whenever a tick comes.
double cpu_nanoseconds(pid_t process) {
    double sum = 0;
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
        std::ifstream file(task.path() / "schedstat");
        double time = 0;
        if (file >> time) sum += time;
    }
    return sum;
}

std::uint64_t pss_bytes(pid_t process) {
    auto file = open_of(process, "smaps_rollup");
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with("Pss:")) return std::stoull(line.substr(4)) * 1024;
    }
    throw std::runtime_error("no Pss in /proc/PID/smaps_rollup");
}

}  // namespace

double cpu_seconds(const std::vector<pid_t>& processes) {
    double sum = 0;
    for (const pid_t process : processes) sum += cpu_nanoseconds(process);
    return sum / 1e9;
}

std::uint64_t pss_at_rest(const std::vector<pid_t>& processes) {
    // Garbage collectors may never rest.
    constexpr int looks_max = 30;
    std::uint64_t before = 0;
    for (int look = 0; look < looks_max; ++look) {
        std::uint64_t now = 0;
        for (const pid_t process : processes) now += pss_bytes(process);
        if (now == before) break;
        before = now;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return before;
}

}  // namespace roost::bench
