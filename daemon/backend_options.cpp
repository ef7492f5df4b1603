#include "daemon/backend_options.hpp"

#include <CLI/CLI.hpp>

#include "daemon/door_options.hpp"
#include "daemon/option_checks.hpp"

namespace roost {

namespace {

// The names of headers are ASCII, in any case; they are told in small letters.
CLI::Validator check_header_name() {
    return CLI::Validator(
        [](std::string& text) -> std::string {
            for (char& c : text) {
                const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                if (!is_letter && c != '-' && c != '_' && !(c >= '0' && c <= '9')) {
                    return "'" + text + "' must be the name of a header, as in cookie";
                }
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            }
            return text.empty() ? "must not be empty" : "";
        },
        "", "header");
}

}  // namespace

void add_backend_options(CLI::App& app, HandlersConfig& handlers, DoorOptions& door) {
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
    app.add_flag("--backend-connect", door.asks_backend, "A backend decides who may connect");
    app.add_option("--forward-header", door.forwarded_headers,
                   "With --backend-connect: a header that it is told, such as cookie")
        ->type_name("NAME")
        ->transform(check_header_name())
        ->allow_extra_args(false);
}

}  // namespace roost
