#include <iostream>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

int ping(const Options& options) {
    Connection daemon(options.control, options.timeout());
    const auto pong = daemon.ping();
    if (!pong) return report(pong.error());

    if (options.json) {
        std::cout << JsonLine()
                         .text("node", pong->node)
                         .text("incarnation", pong->incarnation)
                         .text("group", pong->group)
                         .text("version", pong->version)
                         .number("uptime_ms", pong->uptime_ms)
                         .line()
                  << '\n';
    } else {
        std::cout << printable(pong->node) << " of group " << printable(pong->group) << ", roostd "
                  << printable(pong->version) << ", up for " << for_people(pong->uptime_ms) << '\n';
    }
    return exit_code::ok;
}

}  // namespace

void add_ping(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("ping", "Ask the daemon who it is");
    verb->callback([&] { run = [&] { return ping(options); }; });
}

}  // namespace roost::verbs
