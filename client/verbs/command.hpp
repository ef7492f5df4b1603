// command: runs a shell command with something to read, and takes what it writes.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roost::verbs {

struct CommandEnd {
    int code = 0;     // 128 and the signal, as a shell has it; 127 if it could not be started
    std::string out;  // its standard output
    bool is_late = false;
};

// With `input` on its standard input and these variables beside those of this process. What it has
// started is killed when its time is over. Not thread-safe.
CommandEnd run_command(const std::string& command, std::string_view input,
                       const std::vector<std::pair<std::string, std::string>>& variables,
                       std::chrono::milliseconds time_max);

}  // namespace roost::verbs
