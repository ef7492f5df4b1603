// output: how the verbs write to people and to programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/connection.hpp"

namespace roost::verbs {

// The text with its control characters as \xNN, so that it stays on its line and out of the
// terminal's commands.
std::string printable(std::string_view text);

// JSON text on one line: a line break in it can only be white space between tokens.
std::string on_one_line(std::string_view json);

// An object of one line, built field by field.
class JsonLine {
public:
    JsonLine& text(std::string_view name, std::string_view value);
    JsonLine& number(std::string_view name, std::uint64_t value);
    JsonLine& json(std::string_view name, std::string_view value);
    std::string line() const { return '{' + fields_ + '}'; }

private:
    std::string fields_;
};

// Rows with aligned columns, the last one ragged. The first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows);

// 950ms, 12s, 3m20s, 5h10m, 2d4h.
std::string for_people(std::uint64_t milliseconds);

// Says on stderr what failed, and returns the exit code for it.
int report(const Failure& failure);

}  // namespace roost::verbs
