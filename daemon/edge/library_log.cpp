#include "daemon/edge/library_log.hpp"

#include <libwebsockets.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "daemon/edge/log.hpp"

namespace roost {

namespace {

std::atomic<std::int64_t> last_line_ms{0};
std::atomic<std::uint64_t> suppressed{0};

void on_line(int level, const char* line) {
    using std::chrono::milliseconds;
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    const std::int64_t now = std::chrono::duration_cast<milliseconds>(since).count();
    auto last = last_line_ms.load();
    const bool is_due = last == 0 || now - last >= 1000;
    if (!is_due || !last_line_ms.compare_exchange_strong(last, now)) {
        suppressed.fetch_add(1);
        return;
    }
    std::string text(line);
    while (text.ends_with('\n')) text.pop_back();
    // It quotes clients: a line of the log stays one line.
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20) c = '?';
    }
    if (const auto count = suppressed.exchange(0); count > 0) {
        text += "  suppressed=" + std::to_string(count);
    }
    log_line(level == LLL_ERR ? LogLevel::error : LogLevel::warning, "libwebsockets: " + text);
}

}  // namespace

void take_library_log() {
    lws_set_log_level(LLL_ERR | LLL_WARN, &on_line);
}

}  // namespace roost
