#include <iostream>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

int nodes(const Options& options) {
    Connection daemon(options.control, options.timeout());
    const auto list = daemon.nodes();
    if (!list) return report(list.error());

    if (options.json) {
        for (const control::NodeRow& row : list->nodes) {
            std::cout << JsonLine()
                             .text("name", row.name)
                             .text("incarnation", row.incarnation)
                             .text("address", row.address)
                             .text("state", row.state)
                             .text("reason", row.reason)
                             .number("for_ms", row.for_ms)
                             .line()
                      << '\n';
        }
        return exit_code::ok;
    }
    std::vector<std::vector<std::string>> rows = {{"NAME", "STATE", "FOR", "ADDRESS", "REASON"}};
    for (const control::NodeRow& row : list->nodes) {
        rows.push_back({printable(row.name), printable(row.state), for_people(row.for_ms),
                        printable(row.address), printable(row.reason)});
    }
    std::cout << table(rows);
    return exit_code::ok;
}

}  // namespace

void add_nodes(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb =
        app.add_subcommand("nodes", "List the nodes of the group, as this one sees it");
    verb->callback([&] { run = [&] { return nodes(options); }; });
}

}  // namespace roost::verbs
