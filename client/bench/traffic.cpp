#include "client/bench/traffic.hpp"

#include <sys/resource.h>

#include <charconv>

#include "client/bench/load_error.hpp"

namespace roost::bench {

namespace {

constexpr std::string_view begin = R"({"n":")";
constexpr std::size_t number_digits = 8;
constexpr std::string_view middle = R"(","p":")";
constexpr std::size_t publisher_digits = 6;
constexpr std::string_view end = R"(","pad":")";
constexpr std::size_t publisher_at = begin.size() + number_digits + middle.size();

constexpr std::chrono::milliseconds join_wait{20'000};
// A turn that opens more would keep what has come waiting.
constexpr std::size_t opened_a_turn = 8;

void append_digits(std::string& to, std::size_t number, std::size_t digits) {
    const std::string text = std::to_string(number);
    to.append(digits - text.size(), '0').append(text);
}

std::size_t digits_at(std::string_view text, std::size_t at, std::size_t count) {
    std::size_t number = 0;
    for (const char digit : text.substr(at, count)) {
        number = number * 10 + static_cast<std::size_t>(digit - '0');
    }
    return number;
}

}  // namespace

std::string to_payload(const Message& message, std::size_t bytes) {
    std::string payload(begin);
    append_digits(payload, message.number, number_digits);
    payload.append(middle);
    append_digits(payload, message.publisher, publisher_digits);
    payload.append(end);
    if (payload.size() + 2 < bytes) payload.append(bytes - payload.size() - 2, 'x');
    return payload.append(R"("})");
}

Message from_payload(std::string_view payload) {
    if (!payload.starts_with(begin) || payload.size() < publisher_at + publisher_digits) {
        throw LoadError(
            "something came that this load has not sent: " + std::string(payload.substr(0, 200)) +
            " (is the topic in use? another name keeps loads apart)");
    }
    return {digits_at(payload, publisher_at, publisher_digits),
            digits_at(payload, begin.size(), number_digits)};
}

Measure::Measure(const Ledger& ledger, Watcher& watcher)
    : ledger_(ledger), watcher_(watcher), delivered_before_(ledger.delivered()) {
    watcher.on_begin();
    cpu_before_ = own_cpu_seconds();
    begun_ = Clock::now();
}

Outcome Measure::outcome(std::size_t messages) {
    const double time = seconds(Clock::now() - begun_);
    const double busy = own_cpu_seconds() - cpu_before_;
    watcher_.on_end();
    const auto deliveries = static_cast<double>(ledger_.delivered() - delivered_before_);
    Outcome outcome;
    outcome.figures = {{"deliveries", deliveries},
                       {"deliveries_per_second", deliveries / time},
                       {"messages_per_second", static_cast<double>(messages) / time}};
    append(outcome.figures, "latency", latencies_);
    outcome.figures.push_back({"load_busy_percent", busy * 100 / time});
    outcome.figures.push_back({"lost", static_cast<double>(ledger_.lost())});
    outcome.figures.push_back({"out_of_order", static_cast<double>(ledger_.out_of_order())});
    outcome.is_whole = ledger_.lost() == 0 && ledger_.out_of_order() == 0;
    return outcome;
}

void gather(Crowd& crowd, std::size_t count, std::size_t at_once, Watcher& watcher,
            const std::function<void(std::size_t client)>& add,
            const std::function<void()>& between) {
    auto heard = Clock::now();
    while (crowd.joined() < count) {
        for (std::size_t opened = 0; opened < opened_a_turn && crowd.size() < count &&
                                     crowd.size() - crowd.joined() < at_once;
             ++opened) {
            add(crowd.size());
        }
        const bool is_more = crowd.size() < count && crowd.size() - crowd.joined() < at_once;
        if (crowd.turn(std::chrono::milliseconds(is_more ? 0 : 5))) heard = Clock::now();
        if (Clock::now() - heard > join_wait) {
            throw LoadError("clients got no answer for " +
                            std::to_string(join_wait.count() / 1000) +
                            " s: " + std::to_string(count - crowd.joined()) + " of " +
                            std::to_string(count) + " have not joined");
        }
        between();
        watcher.on_progress("joined", crowd.joined(), count);
    }
}

void append(std::vector<Figure>& figures, const std::string& name, const Latencies& latencies) {
    figures.push_back({name + "_p50_us", latencies.percentile(0.5)});
    figures.push_back({name + "_p99_us", latencies.percentile(0.99)});
    figures.push_back({name + "_max_us", latencies.longest()});
}

double own_cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace roost::bench
