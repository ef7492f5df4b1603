#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"
#include "proto/client_binary.hpp"

namespace roost::verbs {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = Connection::Milliseconds;

struct Arguments {
    std::vector<std::string> topics;
    std::optional<std::uint64_t> count;
    std::optional<double> wait_seconds;
    bool only_until_live = false;
};

void print(const control::Message& message, bool json) {
    // Bytes are printed as clients without binary frames are told them.
    const std::string payload =
        message.is_binary ? json_of_bytes(message.payload) : on_one_line(message.payload);
    if (json) {
        std::cout << JsonLine()
                         .text("topic", message.topic)
                         .text("event", message.event)
                         .json("payload", payload)
                         .text("position", message.position)
                         .number("missed", message.missed)
                         .line();
    } else {
        if (message.missed > 0) {
            std::cerr << "roost: missed " << message.missed << " messages before the next\n";
        }
        std::cout << printable(message.topic) << ' ' << printable(message.event) << ' ' << payload;
    }
    std::cout << std::endl;  // whoever reads a pipe wants the line now
}

int sub(const Options& options, const Arguments& arguments) {
    const std::chrono::duration<double> patience(arguments.wait_seconds.value_or(0));
    const auto until = Clock::now() + std::chrono::ceil<Milliseconds>(patience);
    Connection daemon(options.control, options.timeout());
    const auto stream = daemon.subscribe(arguments.topics);
    if (!stream) return report(stream.error());

    std::uint64_t left = arguments.count.value_or(0);
    bool is_done = arguments.only_until_live;
    while (!is_done) {
        auto wait = Milliseconds(60'000);
        if (arguments.wait_seconds) {
            const auto rest = std::chrono::ceil<Milliseconds>(until - Clock::now());
            wait = std::clamp(rest, Milliseconds(0), wait);
        }
        const auto message = daemon.next(wait);
        if (!message) return report(message.error());
        if (*message) {
            print(**message, options.json);
            if (!std::cout) return exit_code::refused;
            is_done = arguments.count && --left == 0;
        }
        if (!is_done && arguments.wait_seconds && Clock::now() >= until) {
            std::cerr << "roost: gave up after " << *arguments.wait_seconds << " s\n";
            return exit_code::gave_up;
        }
    }
    (void)daemon.unsubscribe(*stream);  // a courtesy: the daemon would notice the silence
    return exit_code::ok;
}

}  // namespace

void add_sub(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("sub", "Print the messages of topics, one a line");
    const auto arguments = std::make_shared<Arguments>();
    verb->add_option("TOPIC", arguments->topics)->required();
    verb->add_option("-C", arguments->count, "Stop after this many messages")
        ->type_name("COUNT")
        ->check(CLI::PositiveNumber);
    verb->add_option("-W", arguments->wait_seconds, "Give up after this long, with exit code 3")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.001, 1e8));
    verb->add_flag("-E", arguments->only_until_live, "Exit once the subscription is live");
    verb->callback([&, arguments] { run = [&, arguments] { return sub(options, *arguments); }; });
}

}  // namespace roost::verbs
