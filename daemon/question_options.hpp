// question_options: what roostd is asked instead of being started.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace roost {

struct Questions {
    bool is_check = false;             // is the configuration all right?
    std::optional<std::string> topic;  // who may do what there?
    std::optional<std::string> token;  // of who asks

    bool any() const { return is_check || topic; }
};

// After all others: these have no variable, and do not stand in the file.
void add_question_options(CLI::App& app, Questions& questions);

}  // namespace roost
