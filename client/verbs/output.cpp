#include "client/verbs/output.hpp"

#include <algorithm>
#include <iostream>

#include "client/verbs/verbs.hpp"

namespace roost::verbs {
namespace {

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string hex(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(c);
    return {digits[value >> 4U], digits[value & 0xfU]};
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (is_control(c)) {
            out += "\\u00" + hex(c);
        } else {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
    }
    return out + '"';
}

// Characters, as far as UTF-8 tells: bytes that begin one.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
    }));
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) out += is_control(c) ? "\\x" + hex(c) : std::string(1, c);
    return out;
}

std::string on_one_line(std::string_view json) {
    std::string out(json);
    std::replace_if(out.begin(), out.end(), is_control, ' ');
    return out;
}

JsonLine& JsonLine::json(std::string_view name, std::string_view value) {
    if (!fields_.empty()) fields_ += ',';
    fields_ += quoted(name) + ':' + std::string(value);
    return *this;
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
    return json(name, quoted(value));
}

JsonLine& JsonLine::number(std::string_view name, std::uint64_t value) {
    return json(name, std::to_string(value));
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i] + std::string(widths[i] - width(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

std::string for_people(std::uint64_t milliseconds) {
    if (milliseconds < 1000) return std::to_string(milliseconds) + "ms";
    const std::uint64_t seconds = milliseconds / 1000;
    const auto two = [](std::uint64_t large, const char* unit, std::uint64_t small,
                        const char* small_unit) {
        const std::string head = std::to_string(large) + unit;
        return small == 0 ? head : head + std::to_string(small) + small_unit;
    };
    if (seconds < 60) return two(seconds, "s", 0, "");
    if (seconds < 3600) return two(seconds / 60, "m", seconds % 60, "s");
    if (seconds < 86400) return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
    return two(seconds / 86400, "d", seconds % 86400 / 3600, "h");
}

int report(const Failure& failure) {
    std::cerr << "roost: ";
    if (!failure.code.empty()) std::cerr << printable(failure.code) << ": ";
    std::cerr << printable(failure.text) << '\n';
    switch (failure.kind) {
        case Failure::Kind::refused: return exit_code::refused;
        case Failure::Kind::gave_up: return exit_code::gave_up;
        case Failure::Kind::no_daemon: break;
    }
    return exit_code::no_daemon;
}

}  // namespace roost::verbs
