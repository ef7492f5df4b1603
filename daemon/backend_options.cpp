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
}

}  // namespace roost
