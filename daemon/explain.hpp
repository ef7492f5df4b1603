// explain: answers about a configuration, without a start: nothing is opened, changed or sent.
//
// The answers are those that the node would give: the same rules, keys and reasons decide. What a
// token says is shown only if a key has signed it: anybody may have written the rest.
#pragma once

#include "daemon/options.hpp"

namespace roost {

// Prints the answers to the questions of the options. Throws the StartError of a start that would
// find fault with more than the options themselves.
void answer_questions(const Options& options);

}  // namespace roost
