// verbs: what the tool roost can be told to do, one file each.
//
// An add_ function declares its verb's arguments to the command line. When the user has given that
// verb, it sets `run`, which main calls; what it returns is the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "client/connection.hpp"

namespace roost::verbs {

namespace exit_code {
constexpr int ok = 0;
constexpr int refused = 1;
constexpr int usage = 2;
constexpr int gave_up = 3;
constexpr int no_daemon = 69;  // EX_UNAVAILABLE
}  // namespace exit_code

// What all verbs share.
struct Options {
    std::string control;
    bool json = false;
    double timeout_seconds = 5;

    Connection::Milliseconds timeout() const {
        using Seconds = std::chrono::duration<double>;
        return std::chrono::ceil<Connection::Milliseconds>(Seconds(timeout_seconds));
    }
};

using Run = std::function<int()>;

void add_ping(CLI::App& app, const Options& options, Run& run);
void add_pub(CLI::App& app, const Options& options, Run& run);
void add_sub(CLI::App& app, const Options& options, Run& run);
void add_reply(CLI::App& app, const Options& options, Run& run);
void add_req(CLI::App& app, const Options& options, Run& run);
void add_nodes(CLI::App& app, const Options& options, Run& run);
void add_topics(CLI::App& app, const Options& options, Run& run);
void add_events(CLI::App& app, const Options& options, Run& run);
void add_sessions(CLI::App& app, const Options& options, Run& run);
void add_keygen(CLI::App& app, const Options& options, Run& run);
void add_token(CLI::App& app, const Options& options, Run& run);
void add_bench(CLI::App& app, const Options& options, Run& run);

}  // namespace roost::verbs
