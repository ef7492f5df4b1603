#include "proto/session.hpp"

#include <charconv>

namespace roost {

std::string text_of(const SessionId& session) {
    return origin_text(session.home) + "-" + std::to_string(session.serial);
}

std::optional<SessionId> parse_session(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto home = parse_origin(text.substr(0, dash));
    if (!home) return std::nullopt;
    SessionId session{*home, 0};
    const auto read =
        std::from_chars(text.data() + dash + 1, text.data() + text.size(), session.serial);
    if (read.ec != std::errc() || text_of(session) != text) return std::nullopt;
    return session;
}

}  // namespace roost
