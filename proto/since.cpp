#include "proto/since.hpp"

#include <charconv>

#include "proto/json.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {

std::optional<std::uint64_t> whole_number(std::string_view raw) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), number);
    if (error != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
    return number;
}

}  // namespace

Result<Since, std::string> parse_since(std::string_view raw) {
    constexpr auto right =
        R"(bad since: it must be {}, the positions of a reply, {"last":N} or {"seconds":S})";
    if (!is_json_object(raw)) return Unexpected{std::string(right)};
    Positions positions;
    std::optional<Since> other;
    bool is_wrong = false;
    for_each_member(raw, [&](std::string_view key, std::string_view value) {
        const auto number = whole_number(value);
        const auto origin = parse_origin(key);
        const bool is_last = key == "last";
        if (number && (is_last || key == "seconds")) {
            is_wrong = other.has_value();
            if (is_last) {
                other = SinceLast{*number};
            } else {
                other = SinceSeconds{*number};
            }
        } else if (number && origin && positions.size() < limits::positions_max) {
            positions[*origin] = *number;
        } else {
            is_wrong = true;
        }
        return !is_wrong;
    });
    if (is_wrong || (other && !positions.empty())) return Unexpected{std::string(right)};
    if (other) return *other;
    if (positions.empty()) return Since{SinceNow{}};
    return Since{std::move(positions)};
}

std::string positions_json(const Positions& positions) {
    std::string json = "{";
    for (const auto& [origin, number] : positions) {
        if (json.size() > 1) json.push_back(',');
        append_quoted(json, origin_text(origin));
        json.push_back(':');
        json.append(std::to_string(number));
    }
    json.push_back('}');
    return json;
}

}  // namespace roost
