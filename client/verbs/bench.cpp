#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "client/bench/crowd.hpp"
#include "client/bench/load.hpp"
#include "client/bench/load_error.hpp"
#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

// A node takes 1,000 messages a second from a connection, unless it is told otherwise.
constexpr double rate_max = 900;
constexpr double busy_percent = 90;

struct Arguments {
    std::string load;
    std::vector<std::string> urls;
    std::string topic = "bench";
    std::string token;
    std::size_t clients = 1000;
    std::optional<std::size_t> topics, messages;
    std::size_t batch = 1;
    std::optional<double> rate;
    std::size_t payload_bytes = 128;
    double seconds = 10;
    std::size_t at_once = 1000;
};

// On a terminal a line that changes; elsewhere one every few seconds.
class Progress final : public bench::Watcher {
public:
    ~Progress() override { clear(); }
    void on_progress(std::string_view what, std::size_t done, std::size_t of) override {
        const auto now = bench::Clock::now();
        if (now < next_) return;
        next_ = now + (is_terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(5));
        if (!is_terminal_ && !std::exchange(is_begun_, true)) return;
        std::fprintf(stderr, "%s%zu of %zu %.*s%s", is_terminal_ ? "\r\x1b[K" : "", done, of,
                     static_cast<int>(what.size()), what.data(), is_terminal_ ? "" : "\n");
        is_shown_ = is_terminal_;
    }

private:
    void clear() {
        if (is_shown_) std::fputs("\r\x1b[K", stderr);
    }

    bool is_terminal_ = isatty(STDERR_FILENO) != 0;
    bool is_begun_ = false;
    bool is_shown_ = false;
    bench::Clock::time_point next_;
};

bench::Pace pace_of(const Arguments& arguments, std::size_t messages) {
    bench::Pace pace;
    pace.messages = arguments.messages.value_or(messages);
    pace.rate = arguments.rate.value_or(0);
    pace.rate_max = arguments.rate ? 0 : rate_max;
    pace.payload_bytes = arguments.payload_bytes;
    return pace;
}

bench::Outcome run_load(const Arguments& arguments, const bench::Where& where) {
    Progress progress;
    const std::size_t topics =
        arguments.topics.value_or(std::max<std::size_t>(arguments.clients / 10, 1));
    if (arguments.load == "rooms") {
        const bench::RoomsPlan plan{topics, arguments.clients / topics, pace_of(arguments, 100)};
        return rooms(where, plan, progress);
    }
    if (arguments.load == "idle") {
        bench::IdlePlan plan;
        plan.clients = arguments.clients;
        plan.topics = topics;
        plan.hold = std::chrono::milliseconds(std::lround(arguments.seconds * 1000));
        return idle(where, plan, progress);
    }
    if (arguments.load == "join") {
        bench::JoinPlan plan;
        plan.clients = arguments.clients;
        plan.topics = topics;
        plan.at_once = arguments.at_once;
        return join(where, plan, progress);
    }
    bench::FanOutPlan plan;
    plan.subscribers = arguments.clients;
    plan.at_once = arguments.batch;
    plan.is_cross = arguments.load == "cross";
    plan.pace = pace_of(arguments, 1000);
    return fan_out(where, plan, progress);
}

std::string number(const bench::Figure& figure) {
    std::array<char, 64> text{};
    const int digits = figure.value == std::floor(figure.value) || figure.value >= 1000 ? 0 : 1;
    std::snprintf(text.data(), text.size(), "%.*f", digits, figure.value);
    return text.data();
}

// "latency_p50_us" to people: "latency p50", and milliseconds.
std::vector<std::string> row(const bench::Figure& figure) {
    std::string name = figure.name;
    std::string value = number(figure);
    if (name.ends_with("_us")) {
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), "%.2f ms", figure.value / 1000);
        value = text.data();
        name.resize(name.size() - 3);
    }
    std::replace(name.begin(), name.end(), '_', ' ');
    return {name, value};
}

void print(const Options& options, const Arguments& arguments, const bench::Outcome& outcome) {
    if (options.json) {
        JsonLine line;
        line.text("load", arguments.load);
        for (const auto& figure : outcome.figures) line.json(figure.name, number(figure));
        std::cout << line.line() << '\n';
        return;
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& figure : outcome.figures) rows.push_back(row(figure));
    std::cout << table(rows);
}

// What else may be to be said than why a load has ended.
std::string advice(const std::string& why) {
    if (why.find("refused a message") != std::string::npos) {
        return " (if it is for being too many: --rate is for each client that publishes; or let "
               "the "
               "node take more, --max-messages)";
    }
    if (why.find("to let a client join") != std::string::npos) {
        return " (--topic names topics that the node's rules let clients join; --token is for "
               "nodes "
               "with keys)";
    }
    return "";
}

int fail(const bench::LoadError& error, int code) {
    std::cerr << "roost: " << printable(error.what()) << advice(error.what()) << '\n';
    const bool is_there = dynamic_cast<const bench::Unreachable*>(&error) == nullptr;
    return is_there ? code : exit_code::no_daemon;
}

int run_on(const Options& options, const Arguments& arguments,
           const std::vector<bench::Target>& targets) {
    try {
        bench::allow_descriptors(arguments.clients);
        std::string token = arguments.token;
        if (token == "-") std::getline(std::cin, token);
        const auto dialect = bench::phoenix(token);
        const auto outcome = run_load(arguments, {targets, dialect.get(), arguments.topic});
        print(options, arguments, outcome);
        const auto is_busy = [](const bench::Figure& figure) {
            return figure.name == "load_busy_percent" && figure.value > busy_percent;
        };
        if (std::any_of(outcome.figures.begin(), outcome.figures.end(), is_busy)) {
            std::cerr
                << "roost: this program was busy all the time: the nodes could have done more\n";
        }
        if (outcome.is_whole) return exit_code::ok;
        std::cerr << "roost: messages were lost, or came out of their order\n";
        return exit_code::refused;
    } catch (const bench::LoadError& error) {
        return fail(error, exit_code::refused);
    }
}

int run_bench(const Options& options, const Arguments& arguments) {
    std::vector<bench::Target> targets;
    try {
        for (const auto& url : arguments.urls) targets.push_back(bench::parse_target(url));
    } catch (const bench::LoadError& error) {
        return fail(error, exit_code::usage);
    }
    return run_on(options, arguments, targets);
}

void add_amounts(CLI::App& verb, Arguments& arguments) {
    constexpr std::size_t clients_max = 1'000'000, messages_max = 10'000'000;
    verb.add_option("--clients", arguments.clients, "How many clients, spread over the URLs")
        ->type_name("NUMBER")
        ->check(CLI::Range(std::size_t{1}, clients_max))
        ->capture_default_str();
    verb.add_option("--topics", arguments.topics,
                    "How many rooms, or topics to join (default: one for ten clients)")
        ->type_name("NUMBER")
        ->check(CLI::Range(std::size_t{1}, clients_max));
    verb.add_option("--messages", arguments.messages,
                    "Of each that publishes (default: 1000, in rooms 100)")
        ->type_name("NUMBER")
        ->check(CLI::Range(std::size_t{1}, messages_max));
    verb.add_option(
            "--rate", arguments.rate,
            "Messages a second of each that publishes (default: when all have got the last)")
        ->type_name("NUMBER")
        ->check(CLI::Range(0.001, 1e6));
    verb.add_option("--batch", arguments.batch, "fanout, cross: so many messages at once")
        ->type_name("NUMBER")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))
        ->capture_default_str();
    verb.add_option("--payload", arguments.payload_bytes, "Bytes of a message's payload")
        ->type_name("BYTES")
        ->check(CLI::Range(std::size_t{64}, std::size_t{1'000'000}))
        ->capture_default_str();
    verb.add_option("--seconds", arguments.seconds, "idle: how long the clients stay")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    verb.add_option("--at-once", arguments.at_once, "join: so many clients on their way at a time")
        ->type_name("NUMBER")
        ->check(CLI::Range(std::size_t{1}, clients_max))
        ->capture_default_str();
}

// What the options cannot say of each other.
void check_use(const Arguments& arguments) {
    if (arguments.load == "cross" && arguments.urls.size() < 2) {
        throw CLI::ValidationError("--url",
                                   "cross needs two or more: the publisher is at the first");
    }
    if (arguments.load == "rooms" && arguments.topics.value_or(1) > arguments.clients) {
        throw CLI::ValidationError("--topics", "every room needs a client: raise --clients");
    }
}

}  // namespace

void add_bench(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("bench", "Put a group under load, and say what came of it");
    const auto arguments = std::make_shared<Arguments>();
    verb->add_option("LOAD", arguments->load, "fanout, rooms, cross, idle or join")
        ->required()
        ->check(CLI::IsMember({"fanout", "rooms", "cross", "idle", "join"}));
    verb->add_option("--url", arguments->urls,
                     "Where clients connect; may be given several times (default: "
                     "ws://127.0.0.1:4000/socket)")
        ->type_name("WS-URL")
        ->allow_extra_args(false);
    verb->add_option("--topic", arguments->topic, "What the names of all topics begin with")
        ->type_name("TOPIC")
        ->capture_default_str();
    verb->add_option("--token", arguments->token, "The clients' token; - reads it from stdin")
        ->type_name("TOKEN");
    add_amounts(*verb, *arguments);
    verb->callback([&, arguments] {
        if (arguments->urls.empty()) arguments->urls = {"ws://127.0.0.1:4000/socket"};
        check_use(*arguments);
        run = [&, arguments] { return run_bench(options, *arguments); };
    });
}

}  // namespace roost::verbs
