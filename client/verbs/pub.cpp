#include <iostream>
#include <iterator>
#include <memory>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

struct Arguments {
    std::string topic, event, payload = "{}", message_id;
    bool is_binary = false;
};

std::string read_stdin() {
    return {std::istreambuf_iterator<char>(std::cin), {}};
}

std::string json_of(const std::string& argument) {
    if (argument != "-") return argument;
    std::string text = read_stdin();
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    return text;
}

int pub(const Options& options, const Arguments& arguments) {
    Connection daemon(options.control, options.timeout());
    const auto& [topic, event, payload, message_id, is_binary] = arguments;
    const auto published = is_binary ? daemon.publish_bytes(topic, event, read_stdin(), message_id)
                                     : daemon.publish(topic, event, json_of(payload), message_id);
    if (!published) return report(published.error());

    if (options.json) {
        std::cout << JsonLine()
                         .text("position", published->position)
                         .number("peers", published->peers)
                         .json("duplicate", published->is_duplicate ? "true" : "false")
                         .line()
                  << '\n';
    } else {
        std::cout << (published->is_duplicate ? "duplicate" : printable(published->position))
                  << '\n';
    }
    return exit_code::ok;
}

}  // namespace

void add_pub(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("pub", "Publish one message, and print its position");
    const auto arguments = std::make_shared<Arguments>();
    verb->add_option("TOPIC", arguments->topic)->required();
    verb->add_option("EVENT", arguments->event)->required();
    auto* json = verb->add_option("JSON", arguments->payload,
                                  "The payload ({} if not given; - reads stdin)");
    verb->add_flag("--binary", arguments->is_binary, "The payload is the bytes of stdin")
        ->excludes(json);
    verb->add_option("--id", arguments->message_id,
                     "The message's own id: if it is published again, it shows once")
        ->type_name("ID");
    verb->callback([&, arguments] { run = [&, arguments] { return pub(options, *arguments); }; });
}

}  // namespace roost::verbs
