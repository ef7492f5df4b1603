#include "daemon/question_options.hpp"

#include <CLI/CLI.hpp>

namespace roost {

void add_question_options(CLI::App& app, Questions& questions) {
    app.add_flag("--check-config", questions.is_check,
                 "Say whether the configuration is all right, and exit")
        ->configurable(false);
    CLI::Option* topic =
        app.add_option("--explain", questions.topic,
                       "Say which rule decides on the topic, and who may join and push; then exit")
            ->type_name("TOPIC")
            ->configurable(false);
    app.add_option("--token", questions.token,
                   "With --explain: the token that the client has shown (-: standard input)")
        ->type_name("TOKEN")
        ->needs(topic)
        ->configurable(false);
}

}  // namespace roost
