#include "daemon/option_checks.hpp"

#include <CLI/CLI.hpp>
#include <charconv>

#include "proto/endpoint.hpp"

namespace roost {

std::string check_endpoint(const std::string& text) {
    const auto endpoint = parse_endpoint(text);
    return endpoint ? "" : "'" + text + "' " + endpoint.error();
}

CLI::Validator range(long long least, long long most) {
    return CLI::Validator(
        [least, most](std::string& text) -> std::string {
            long long value = 0;
            const auto [end, error] =
                std::from_chars(text.data(), text.data() + text.size(), value);
            if (error == std::errc() && end == text.data() + text.size() && value >= least &&
                value <= most) {
                return "";
            }
            return "'" + text + "' must be a number from " + std::to_string(least) + " to " +
                   std::to_string(most);
        },
        "", "range");
}

CLI::Validator check(std::string (*function)(const std::string&)) {
    return CLI::Validator([function](std::string& text) { return function(text); }, "", "check");
}

}  // namespace roost
