// roost req: asks a backend as a client's push would.

#include <iostream>
#include <iterator>
#include <memory>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {

namespace {

struct Arguments {
    std::string topic, event, user;
    std::string payload = "{}";
};

int req(const Options& options, const Arguments& arguments) {
    std::string payload = arguments.payload;
    if (payload == "-") {
        payload.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    }
    Connection daemon(options.control, options.timeout());
    const auto replied =
        daemon.ask({arguments.topic, arguments.event, std::move(payload), arguments.user, false});
    if (!replied) return report(replied.error());
    if (options.json) {
        JsonLine line;
        line.text("status", replied->status);
        if (!replied->is_binary) line.json("response", replied->payload);
        std::cout << line.line() << '\n';
    } else {
        std::cout << replied->payload << (replied->is_binary ? "" : "\n");
    }
    if (replied->status == "ok" || replied->status.empty()) return exit_code::ok;
    std::cerr << "roost: the status is " << replied->status << '\n';
    return exit_code::refused;
}

}  // namespace

void add_req(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("req", "Ask a backend, as the push of a client would");
    const auto arguments = std::make_shared<Arguments>();
    verb->add_option("TOPIC", arguments->topic)->required();
    verb->add_option("EVENT", arguments->event)->required();
    verb->add_option("JSON", arguments->payload, "The payload, or - to read it from stdin")
        ->capture_default_str();
    verb->add_option("--user", arguments->user, "Whom the backend is told that it is")
        ->type_name("USER");
    verb->callback([&, arguments] { run = [&, arguments] { return req(options, *arguments); }; });
}

}  // namespace roost::verbs
