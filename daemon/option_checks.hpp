// option_checks: what is asked of the values of more than one file's options.
#pragma once

#include <string>

namespace CLI {
class Validator;
}

namespace roost {

// The empty string, or what is wrong and what would be right.
std::string check_endpoint(const std::string& text);

CLI::Validator check(std::string (*function)(const std::string&));
CLI::Validator range(long long least, long long most);

}  // namespace roost
