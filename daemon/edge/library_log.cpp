#include "daemon/edge/library_log.hpp"

#include <libwebsockets.h>

#include <string>
#include <string_view>

#include "daemon/edge/line_limit.hpp"
#include "daemon/edge/log.hpp"

namespace roost {

namespace {

LineLimit limit;

void on_line(int level, const char* line) {
    // Of a header that it is made to cut.
    if (std::string_view(line).find("exceeds limit") != std::string_view::npos) return;
    const auto suppressed = limit.admit(std::chrono::seconds(1));
    if (!suppressed) return;
    std::string text(line);
    while (text.ends_with('\n')) text.pop_back();
    // It quotes clients: a line of the log stays one line.
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20) c = '?';
    }
    if (*suppressed > 0) text += "  suppressed=" + std::to_string(*suppressed);
    log_line(level == LLL_ERR ? LogLevel::error : LogLevel::warning, "libwebsockets: " + text);
}

}  // namespace

void take_library_log() {
    lws_set_log_level(LLL_ERR | LLL_WARN, &on_line);
}

}  // namespace roost
