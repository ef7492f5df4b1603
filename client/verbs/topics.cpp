#include <iostream>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

int topics(const Options& options) {
    Connection daemon(options.control, options.timeout());
    const auto list = daemon.topics();
    if (!list) return report(list.error());

    if (options.json) {
        for (const control::TopicRow& row : list->topics) {
            std::cout << JsonLine().text("topic", row.topic).number("channels", row.channels).line()
                      << '\n';
        }
        return exit_code::ok;
    }
    std::vector<std::vector<std::string>> rows = {{"CHANNELS", "TOPIC"}};
    for (const control::TopicRow& row : list->topics) {
        rows.push_back({std::to_string(row.channels), printable(row.topic)});
    }
    std::cout << table(rows);
    return exit_code::ok;
}

}  // namespace

void add_topics(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb =
        app.add_subcommand("topics", "List the topics that clients of this node joined");
    verb->callback([&] { run = [&] { return topics(options); }; });
}

}  // namespace roost::verbs
