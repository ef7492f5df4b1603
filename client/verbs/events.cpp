#include "client/events.hpp"

#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

constexpr Connection::Milliseconds wait(10'000);

struct Arguments {
    std::string after;
    std::optional<std::uint64_t> count;
};

// The cursor by which a reader goes on after the event `number`.
std::string cursor_after(const std::string& cursor, std::uint64_t number) {
    return cursor.substr(0, cursor.find('/') + 1) + std::to_string(number);
}

void print(const control::Event& event, const std::string& cursor, bool json) {
    if (!json) {
        std::cout << printable(cursor) << ' ' << printable(event.kind);
        for (const auto* text :
             {&event.session, &event.user, &event.address, &event.topic, &event.reason}) {
            if (!text->empty()) std::cout << ' ' << printable(*text);
        }
        return;
    }
    JsonLine line;
    line.text("cursor", cursor).text("event", event.kind).number("ago_ms", event.ago_ms);
    if (!event.session.empty()) line.text("session", event.session);
    if (!event.user.empty()) line.text("user", event.user);
    if (!event.address.empty()) line.text("address", event.address);
    if (!event.topic.empty()) line.text("topic", event.topic);
    if (event.join != 0) line.number("join", event.join);
    if (!event.reason.empty()) line.text("reason", event.reason);
    std::cout << line.line();
}

int events(const Options& options, const Arguments& arguments) {
    Connection daemon(options.control, options.timeout());
    Events stream(daemon, arguments.after);
    std::uint64_t left = arguments.count.value_or(0);
    for (;;) {
        const auto batch = stream.next(wait);
        if (!batch) return report(batch.error());
        if (batch->is_gap) {
            std::cerr << "roost: events are missing before the next: see roost sessions\n";
            if (options.json) std::cout << JsonLine().text("event", "gap").line() << std::endl;
        }
        for (const auto& event : batch->events) {
            print(event, cursor_after(batch->cursor, event.number), options.json);
            std::cout << std::endl;  // whoever reads a pipe wants the line now
            if (!std::cout) return exit_code::refused;
            if (arguments.count && --left == 0) return exit_code::ok;
        }
    }
}

std::string topics_of(const control::SessionRow& row) {
    std::string topics;
    for (const auto& channel : row.channels) {
        topics += (topics.empty() ? "" : " ") + printable(channel.topic);
    }
    return topics;
}

int sessions(const Options& options, const std::string& user) {
    Connection daemon(options.control, options.timeout());
    std::vector<std::vector<std::string>> rows = {{"SESSION", "USER", "FOR", "ADDRESS", "TOPICS"}};
    for (std::string after;;) {
        const auto list = daemon.sessions(after, user);
        if (!list) return report(list.error());
        for (const auto& row : list->sessions) {
            rows.push_back({printable(row.session), printable(row.user), for_people(row.for_ms),
                            printable(row.address), topics_of(row)});
            if (!options.json) continue;
            std::string channels;
            for (const auto& channel : row.channels) {
                if (!channels.empty()) channels += ',';
                channels +=
                    JsonLine().text("topic", channel.topic).number("join", channel.join).line();
            }
            std::cout << JsonLine()
                             .text("session", row.session)
                             .text("user", row.user)
                             .text("node", list->node)
                             .text("address", row.address)
                             .number("for_ms", row.for_ms)
                             .json("channels", '[' + channels + ']')
                             .line()
                      << '\n';
        }
        if (!list->has_more || list->sessions.empty()) break;
        after = list->sessions.back().session;
    }
    if (!options.json) std::cout << table(rows);
    return exit_code::ok;
}

}  // namespace

void add_events(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand(
        "events", "Print who connects, joins, leaves and disconnects here (needs roostd --events)");
    const auto arguments = std::make_shared<Arguments>();
    verb->add_option("--after", arguments->after, "Go on after this event")->type_name("CURSOR");
    verb->add_option("-C", arguments->count, "Stop after this many events")
        ->type_name("COUNT")
        ->check(CLI::PositiveNumber);
    verb->callback(
        [&, arguments] { run = [&, arguments] { return events(options, *arguments); }; });
}

void add_sessions(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("sessions", "List the clients that are connected here");
    const auto user = std::make_shared<std::string>();
    verb->add_option("USER", *user, "Only those of this user");
    verb->callback([&, user] { run = [&, user] { return sessions(options, *user); }; });
}

}  // namespace roost::verbs
