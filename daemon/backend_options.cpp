#include "daemon/backend_options.hpp"

#include <CLI/CLI.hpp>

#include "daemon/option_checks.hpp"

namespace roost {

void add_backend_options(CLI::App& app, HandlersConfig& handlers) {
    app.add_option_function<int>(
           "--backend-deadline",
           [&handlers](int milliseconds) {
               handlers.deadline = std::chrono::milliseconds(milliseconds);
           },
           "How long a client waits for what a backend decides")
        ->type_name("MILLISECONDS")
        ->check(range(10, 60'000))
        ->default_str("5000");
    app.add_option_function<std::string>(
           "--handler-scope",
           [&handlers](const std::string& scope) { handlers.is_of_group = scope == "group"; },
           "Whose backends decide: those beside this node, or where it has none, those of others")
        ->type_name("SCOPE")
        ->check(CLI::IsMember({"local", "group"}))
        ->default_str("group");
}

}  // namespace roost
