#include "tests/bench/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace roost::bench {

namespace {

std::ifstream open_of(pid_t process, const char* name) {
    const std::string path = "/proc/" + std::to_string(process) + "/" + name;
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    return file;
}

}  // namespace

double cpu_seconds(pid_t process) {
    auto file = open_of(process, "stat");
    std::string line;
    std::getline(file, line);
    // The name, in parentheses, may hold spaces. utime and stime are fields 14 and 15.
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    double user = 0;
    double system = 0;
    if (!(fields >> user >> system)) throw std::runtime_error("cannot understand /proc/PID/stat");
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::uint64_t pss_bytes(pid_t process) {
    auto file = open_of(process, "smaps_rollup");
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with("Pss:")) return std::stoull(line.substr(4)) * 1024;
    }
    throw std::runtime_error("no Pss in /proc/PID/smaps_rollup");
}

double own_cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace roost::bench
