#include "daemon/api_options.hpp"

#include <CLI/CLI.hpp>

#include "daemon/edge/log.hpp"
#include "daemon/edge/start_error.hpp"
#include "proto/api.hpp"
#include "proto/secret_file.hpp"

namespace roost {

void add_api_options(CLI::App& app, ApiOptions& options) {
    app.add_option("--api-key-file", options.key_file,
                   "Open the HTTP API under /api to those who have one of these keys, one a line")
        ->type_name("FILE");
}

void finish_api_options(ApiOptions& options) {
    if (options.key_file.empty()) return;
    const std::string place = "--api-key-file " + options.key_file + ": ";
    const auto file = read_secret_file(options.key_file);
    if (!file) throw StartError(exit_code::configuration, place + file.error());
    if (file->is_readable_by_others) {
        log_line(LogLevel::warning, place + std::string(readable_by_others));
    }
    auto keys = api::parse_keys(file->text);
    if (!keys) throw StartError(exit_code::configuration, place + keys.error());
    options.keys = std::make_shared<const std::vector<std::string>>(std::move(*keys));
}

}  // namespace roost
