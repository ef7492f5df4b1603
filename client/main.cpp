#include <exception>
#include <iostream>

#include "client/verbs/verbs.hpp"

namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 the daemon refused, 2 usage, 3 gave up waiting, 69 no daemon.";

int run_tool(int argc, char** argv) {
    using namespace roost::verbs;

    CLI::App app("Talks to the roostd of this machine, by its control socket.", "roost");
    Options options;
    Run run;
    app.add_option("--control", options.control,
                   "The control socket (default: where roostd puts it)")
        ->type_name("ENDPOINT")
        ->envname("ROOST_CONTROL");
    app.add_flag("--json", options.json, "Print one JSON object per line");
    app.add_option("--timeout", options.timeout_seconds, "How long to wait for an answer")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(0.001, 1e8));
    app.set_version_flag("--version", "roost " ROOST_VERSION);
    app.require_subcommand(1);
    app.fallthrough();  // so that the options above may follow the verb
    app.footer(exit_codes);
    add_ping(app, options, run);
    add_pub(app, options, run);
    add_sub(app, options, run);
    add_reply(app, options, run);
    add_req(app, options, run);
    add_nodes(app, options, run);
    add_topics(app, options, run);
    add_events(app, options, run);
    add_sessions(app, options, run);
    add_keygen(app, options, run);
    add_token(app, options, run);
    add_bench(app, options, run);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? exit_code::ok : exit_code::usage;
    }
    if (options.control.empty()) options.control = roost::default_endpoint();
    return run();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run_tool(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "roost: " << error.what() << '\n';
        return 1;
    }
}
