#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

struct Arguments {
    std::string topic, event, payload = "{}", message_id;
    bool is_binary = false;
    std::vector<std::string> topics;  // beside the first
    std::string to, except, user, node;
    bool is_local = false;

    bool is_plain() const {
        return topics.empty() && to.empty() && except.empty() && user.empty() && node.empty() &&
               !is_local;
    }
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

int say_usage(const std::string& sentence) {
    std::cerr << "roost: " << sentence << '\n';
    return exit_code::usage;
}

int pub_many(const Options& options, const Arguments& arguments) {
    control::PublishMany publish;
    if (!arguments.to.empty() && !(publish.to = parse_session(arguments.to))) {
        return say_usage("--to " + arguments.to + " is not the name of a session");
    }
    if (!arguments.except.empty() && !(publish.except = parse_session(arguments.except))) {
        return say_usage("--except " + arguments.except + " is not the name of a session");
    }
    publish.to_user = arguments.user;
    publish.node = arguments.node;
    if (arguments.is_local) publish.scope = control::Scope::local;
    if (!arguments.node.empty()) publish.scope = control::Scope::node;
    control::Publish message{arguments.topic, arguments.event,
                             arguments.is_binary ? read_stdin() : json_of(arguments.payload),
                             arguments.message_id, arguments.is_binary};
    publish.messages.push_back(message);
    for (const auto& topic : arguments.topics) {
        message.topic = topic;
        publish.messages.push_back(message);
    }

    Connection daemon(options.control, options.timeout());
    const auto published = daemon.publish(std::move(publish));
    if (!published) return report(published.error());
    for (const auto& row : published->results) {
        if (options.json) {
            std::cout << JsonLine()
                             .text("topic", row.topic)
                             .text("position", row.position)
                             .number("channels", row.channels)
                             .number("peers", published->peers)
                             .json("duplicate", row.is_duplicate ? "true" : "false")
                             .line()
                      << '\n';
        } else {
            std::cout << printable(row.topic) << ' ' << row.channels << ' '
                      << (row.is_duplicate ? "duplicate" : printable(row.position)) << '\n';
        }
    }
    return exit_code::ok;
}

int pub(const Options& options, const Arguments& arguments) {
    if (!arguments.is_plain()) return pub_many(options, arguments);
    Connection daemon(options.control, options.timeout());
    const Arguments& a = arguments;
    const auto published = a.is_binary
                               ? daemon.publish_bytes(a.topic, a.event, read_stdin(), a.message_id)
                               : daemon.publish(a.topic, a.event, json_of(a.payload), a.message_id);
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
    verb->add_option("--topic", arguments->topics, "Publish to this topic too (repeatable)")
        ->type_name("TOPIC");
    auto* to =
        verb->add_option("--to", arguments->to, "Only to this session")->type_name("SESSION");
    auto* except = verb->add_option("--except", arguments->except, "To all but this session")
                       ->type_name("SESSION");
    auto* user = verb->add_option("--user", arguments->user, "Only to the connections of this user")
                     ->type_name("USER");
    auto* local =
        verb->add_flag("--local", arguments->is_local, "Only to the clients of this node");
    auto* node =
        verb->add_option("--node", arguments->node, "Only to the clients of the node of this name")
            ->type_name("NAME");
    to->excludes(except)->excludes(user)->excludes(local)->excludes(node);
    local->excludes(node);
    verb->callback([&, arguments] { run = [&, arguments] { return pub(options, *arguments); }; });
}

}  // namespace roost::verbs
