// roost reply: a shell command as a backend.

#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>

#include "client/handler.hpp"
#include "client/verbs/command.hpp"
#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {

namespace {

// The daemon takes a worker that says nothing for 5 seconds for dead.
constexpr std::chrono::milliseconds command_time_max(4000);

struct Arguments {
    std::vector<std::string> patterns;
    std::vector<std::string> kinds;
    std::string command;
};

std::atomic<Handler*> running = nullptr;

void stop_running(int) {
    if (Handler* handler = running) handler->stop();
}

std::string trimmed(std::string text) {
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    return text;
}

backend::Response decide(const std::string& command, const backend::Request& request) {
    const std::chrono::milliseconds left(request.deadline_ms);
    auto end = run_command(command, request.payload,
                           {{"ROOST_KIND", std::string(name_of(request.kind))},
                            {"ROOST_TOPIC", request.topic},
                            {"ROOST_EVENT", request.event},
                            {"ROOST_USER", request.user},
                            {"ROOST_SESSION", request.session}},
                           std::min(left, command_time_max));
    backend::Response response;
    if (end.code != 0) response.status = "error";
    auto out = trimmed(std::move(end.out));
    JsonReader reader;
    const bool is_json = !end.is_late && reader.is_valid(out);
    if (is_json) {
        response.payload = std::move(out);
    } else if (end.is_late || end.code != 0 || !out.empty()) {
        response.status = "error";
        response.payload = R"({"reason":"backend failed"})";
        std::cerr << "roost: the command "
                  << (end.is_late     ? "did not end in time"
                      : end.code != 0 ? "ended with " + std::to_string(end.code)
                                      : "wrote something else than JSON")
                  << ", for " << name_of(request.kind) << " " << request.topic << " "
                  << request.event << std::endl;
    }
    return response;
}

int reply(const Options& options, const Arguments& arguments) {
    // Who asks wants to know now if there is no daemon; later it may come and go.
    if (const auto pong = Connection(options.control, options.timeout()).ping(); !pong) {
        return report(pong.error());
    }
    HandlerOptions wanted{arguments.patterns, {}, 1};
    for (const auto& kind : arguments.kinds) wanted.kinds.push_back(*backend::parse_kind(kind));
    Handler handler(options.control, wanted, [&](const backend::Request& request) {
        return decide(arguments.command, request);
    });
    running = &handler;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, &stop_running);
    const auto failure = handler.run();
    running = nullptr;
    return failure ? report(*failure) : exit_code::ok;
}

}  // namespace

void add_reply(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("reply", "Let a shell command decide, as a backend");
    const auto arguments = std::make_shared<Arguments>();
    arguments->kinds = {"join", "push"};
    verb->add_option("PATTERN", arguments->patterns)->required();
    verb->add_option("--command", arguments->command,
                     "Reads the payload, writes the response; what it ends with is the status")
        ->type_name("COMMAND")
        ->required();
    verb->add_option("--kind", arguments->kinds, "What it is asked about: join, push, connect")
        ->type_name("KIND")
        ->check(CLI::IsMember({"connect", "join", "push"}))
        ->delimiter(',')
        ->default_str("join,push");
    verb->callback([&, arguments] { run = [&, arguments] { return reply(options, *arguments); }; });
}

}  // namespace roost::verbs
