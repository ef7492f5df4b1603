#include "proto/request_head.hpp"

#include "proto/header_text.hpp"

namespace roost {

bool is_head_whole(std::string_view bytes) {
    return bytes.find("\r\n\r\n") != std::string_view::npos;
}

std::string subprotocols_of(std::string_view head) {
    constexpr std::string_view line_end = "\r\n";
    constexpr std::string_view name = "sec-websocket-protocol:";
    std::string list;
    // The first line is no header; the one that is empty is the last.
    for (auto at = head.find(line_end); at != std::string_view::npos;) {
        head.remove_prefix(at + line_end.size());
        at = head.find(line_end);
        const std::string_view line = head.substr(0, at);
        if (line.empty()) break;
        if (line.size() < name.size() || lower(line.substr(0, name.size())) != name) continue;
        if (!list.empty()) list += ", ";
        list += trim_blanks(line.substr(name.size()));
    }
    return list;
}

}  // namespace roost
