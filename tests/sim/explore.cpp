// explore: seeds of the simulation, one with a trace or many in search of a breach.
//
//   explore --seed S [--kind K] [--quiet]     one history, told
//   explore --minutes M [--kind K] [--from S] fresh seeds until the time is over
//   explore --seeds N [--kind K] [--from S]   a number of seeds
//
// --expect repair, --expect resume: promises to be checked that the core does not keep yet.
// Ends with 1 if a breach was found; with --must-find it is the other way round.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/sim/schedules.hpp"

using namespace roost::sim;

namespace {

struct Wish {
    std::optional<std::uint64_t> seed;
    std::optional<Kind> kind;
    std::uint64_t from = 1, seeds = 0;
    double minutes = 0;
    Promises promises = kept_by_the_core;
    bool is_quiet = false;
    bool must_find = false;
};

[[noreturn]] void refuse(const std::string& sentence) {
    std::fprintf(stderr, "explore: %s\n", sentence.c_str());
    std::exit(2);
}

std::uint64_t number(const std::string& option, const std::string& text) {
    char* end = nullptr;
    const auto value = std::strtoull(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0') refuse(option + " " + text + " is not a number");
    return value;
}

Wish read(int count, char** words) {
    Wish wish;
    for (int at = 1; at < count; ++at) {
        const std::string option = words[at];
        if (option == "--quiet") {
            wish.is_quiet = true;
            continue;
        }
        if (option == "--must-find") {
            wish.must_find = true;
            continue;
        }
        if (++at == count) refuse(option + " needs a value, or is unknown");
        const std::string value = words[at];
        if (option == "--seed") {
            wish.seed = number(option, value);
        } else if (option == "--from") {
            wish.from = number(option, value);
        } else if (option == "--seeds") {
            wish.seeds = number(option, value);
        } else if (option == "--minutes") {
            wish.minutes = std::atof(value.c_str());
        } else if (option == "--expect" && value == "repair") {
            wish.promises.repair = true;
        } else if (option == "--expect" && value == "resume") {
            wish.promises.resume = true;
        } else if (option == "--kind") {
            wish.kind = kind_of_name(value);
            if (!wish.kind) refuse("there is no kind " + value);
        } else {
            refuse("there is no option " + option + " " + value);
        }
    }
    return wish;
}

void tell(roost::Time now, const std::string& who, const std::string& what) {
    std::printf("%10.3f  %-9s %s\n", static_cast<double>(now.time_since_epoch().count()) / 1e6,
                who.c_str(), what.c_str());
}

// Whether there was a breach.
bool run_one(Kind kind, std::uint64_t seed, const Wish& wish, const Trace& trace) {
    const auto outcome = run_schedule(kind, seed, wish.promises, trace);
    if (outcome.breaches.empty()) return false;
    std::printf("breach: --seed %llu --kind %s\n", static_cast<unsigned long long>(seed),
                std::string(name_of(kind)).c_str());
    for (const auto& breach : outcome.breaches) std::printf("    %s\n", breach.c_str());
    return true;
}

bool replay(const Wish& wish) {
    const auto kind = wish.kind.value_or(Kind::war);
    const bool is_breached = run_one(kind, *wish.seed, wish, wish.is_quiet ? Trace{} : Trace{tell});
    if (!is_breached) std::printf("no promise was broken\n");
    return is_breached;
}

// Twenty nodes cost as much as all others together: only now and then.
Kind kind_for(std::uint64_t turn) {
    constexpr Kind usual[] = {Kind::peace, Kind::war, Kind::lossless, Kind::resume};
    return turn % 100 == 99 ? Kind::crowd : usual[turn % 4];
}

bool search(const Wish& wish) {
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(static_cast<long>(wish.minutes * 60));
    std::uint64_t tried = 0;
    bool is_breached = false;
    const auto goes_on = [&] {
        if (is_breached) return false;
        return wish.minutes > 0 ? std::chrono::steady_clock::now() < end : tried < wish.seeds;
    };
    for (std::uint64_t seed = wish.from; goes_on(); ++seed, ++tried) {
        is_breached = run_one(wish.kind.value_or(kind_for(tried)), seed, wish, {});
    }
    std::printf("%llu schedules\n", static_cast<unsigned long long>(tried));
    return is_breached;
}

}  // namespace

int main(int count, char** words) {
    const Wish wish = read(count, words);
    if (!wish.seed && wish.minutes <= 0 && wish.seeds == 0) {
        refuse("say --seed S, --seeds N or --minutes M");
    }
    const bool is_breached = wish.seed ? replay(wish) : search(wish);
    return is_breached == wish.must_find ? 0 : 1;
}
