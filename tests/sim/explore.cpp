// explore: runs schedules of the simulation, one to read or as many as time allows.
//
//   explore [--kind KIND] --seed SEED            one schedule, with a trace of what happens
//   explore [--kind KIND] --minutes MINUTES      fresh seeds; prints those that break a promise
//   explore [--kind KIND] --seeds FIRST COUNT    so many; ends at the first that breaks a promise
//
// Exit codes: 0 all promises kept, 1 one was broken, 2 usage.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>

#include "tests/sim/schedules.hpp"

namespace {

using namespace roost::sim;

int usage() {
    std::cerr << "usage: explore [--kind KIND] (--seed SEED | --minutes MINUTES | --seeds FIRST "
                 "COUNT)\n  KIND is one of:";
    for (const auto name : kind_names) std::cerr << ' ' << name;
    std::cerr << " (all in turn if not given)\n";
    return 2;
}

struct Request {
    std::optional<Kind> kind;
    std::optional<std::uint64_t> seed, first, count, minutes;
};

std::optional<Request> parse(int argc, char** argv) {
    Request request;
    const auto number = [&](int at) { return std::strtoull(argv[at], nullptr, 10); };
    for (int i = 1; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--kind" && i + 1 < argc) {
            ++i;
            for (std::size_t kind = 0; kind < kind_names.size(); ++kind) {
                if (kind_names[kind] == argv[i]) request.kind = static_cast<Kind>(kind);
            }
            if (!request.kind) return std::nullopt;
        } else if (flag == "--seed" && i + 1 < argc) {
            request.seed = number(++i);
        } else if (flag == "--minutes" && i + 1 < argc) {
            request.minutes = number(++i);
        } else if (flag == "--seeds" && i + 2 < argc) {
            request.first = number(++i);
            request.count = number(++i);
        } else {
            return std::nullopt;
        }
    }
    if (!request.seed && !request.minutes && !request.first) return std::nullopt;
    return request;
}

bool keeps_promises(Kind kind, std::uint64_t seed, const Trace& trace) {
    const Outcome outcome = run_schedule(kind, seed, trace);
    const auto name = kind_names[static_cast<std::size_t>(kind)];
    for (const auto& breach : outcome.breaches) {
        std::cout << "--kind " << name << " --seed " << seed << ": " << breach << '\n';
    }
    if (trace) {
        std::cout << outcome.deliveries << " deliveries, " << outcome.owed << " of them promised, "
                  << outcome.detected << " missing for a while, " << outcome.recovered
                  << " returns recovered, " << outcome.breaches.size() << " breaches\n";
    }
    return outcome.breaches.empty();
}

Kind kind_of(const Request& request, std::uint64_t turn) {
    // Twenty nodes take long: now and then.
    if (request.kind) return *request.kind;
    return turn % 50 == 49 ? Kind::crowd : static_cast<Kind>(turn % 4);
}

}  // namespace

int main(int argc, char** argv) {
    const auto request = parse(argc, argv);
    if (!request) return usage();
    if (request->seed) {
        const auto print = [](const std::string& line) { std::cout << line << '\n'; };
        return keeps_promises(request->kind.value_or(Kind::lossless), *request->seed, print) ? 0
                                                                                             : 1;
    }
    if (request->first) {
        for (std::uint64_t i = 0; i < *request->count; ++i) {
            if (!keeps_promises(kind_of(*request, i), *request->first + i, {})) return 1;
        }
        return 0;
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(*request->minutes);
    std::random_device random;
    std::uint64_t turn = 0, broken = 0;
    while (std::chrono::steady_clock::now() < end) {
        broken += keeps_promises(kind_of(*request, turn), random(), {}) ? 0 : 1;
        ++turn;
    }
    std::cout << turn << " schedules, " << broken << " broke a promise\n";
    return broken == 0 ? 0 : 1;
}
