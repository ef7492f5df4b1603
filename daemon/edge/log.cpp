#include "daemon/edge/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>

namespace roost {

namespace {

spdlog::level::level_enum spd_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return spdlog::level::debug;
        case LogLevel::info: return spdlog::level::info;
        case LogLevel::warning: return spdlog::level::warn;
        case LogLevel::error: break;
    }
    return spdlog::level::err;
}

// The journal reads "<6>" as a priority, and has a clock of its own.
class JournalPriority : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        const auto priority = message.level >= spdlog::level::err    ? "<3>"
                              : message.level == spdlog::level::warn ? "<4>"
                              : message.level == spdlog::level::info ? "<6>"
                                                                     : "<7>";
        out.append(std::string_view(priority));
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return spdlog::details::make_unique<JournalPriority>();
    }
};

struct Wording {
    LogLevel level;
    std::string_view words, subject, detail, number;
    bool is_caused_by_clients;
};

Wording wording_of(FactKind kind) {
    using enum LogLevel;
    switch (kind) {
        case FactKind::client_refused:
        case FactKind::client_token_refused:
            return {info, "client refused", "reason", "detail", "", true};
        case FactKind::client_frame_rejected:
            return {warning, "client frame rejected", "reason", "detail", "socket", true};
        case FactKind::client_closed_bad_frames:
            return {warning, "client closed: too many bad frames", "", "", "socket", true};
        case FactKind::client_closed_idle:
            return {debug, "client closed: idle", "", "", "socket", true};
        case FactKind::client_closed_slow:
            return {warning, "client closed: it does not read fast enough", "", "", "socket", true};
        case FactKind::client_closed_held:
            return {warning, "client closed: too much said to a joining channel", "", "", "socket",
                    true};
        case FactKind::client_rate_limited:
            return {warning, "client refused: too many a second", "of", "", "socket", true};
        case FactKind::client_closed_token:
            return {info, "client closed: its token has expired", "", "", "socket", true};
        case FactKind::token_refused:
            return {warning, "token refused", "reason", "", "socket", true};
        case FactKind::join_refused: return {info, "join refused", "by", "pattern", "socket", true};
        case FactKind::connection_refused:
            return {info, "connection refused", "by", "", "socket", true};
        case FactKind::fence_timed_out:
            return {warning, "joins answered without the proof of a node", "node", "", "buckets",
                    false};
        case FactKind::node_up: return {info, "node up", "node", "address", "", false};
        case FactKind::node_down: return {warning, "node down", "node", "reason", "", false};
        case FactKind::node_left: return {info, "node left", "node", "", "", false};
        case FactKind::node_silent: return {warning, "node silent", "node", "", "silent_ms", false};
        case FactKind::node_replaced: return {info, "node replaced", "node", "reason", "", false};
        case FactKind::node_refused: return {warning, "node refused", "node", "reason", "", true};
        case FactKind::refused_by_node:
            return {warning, "not connected", "node", "reason", "", false};
        case FactKind::caller_turned_away:
            return {warning, "caller of the group port turned away", "reason", "from", "", true};
        case FactKind::group_message_rejected:
            return {warning, "group message rejected", "reason", "from", "bytes", true};
        case FactKind::messages_lost:
            return {warning, "messages of a node lost for good", "node", "numbers", "count", true};
        case FactKind::control_request_refused:
            return {info, "control request refused", "code", "", "", true};
        case FactKind::control_client_gone:
            return {info, "control client gone", "", "", "subscriptions", true};
        case FactKind::queue_overflow:
            return {error, "queue between loops full: messages dropped", "queue", "", "", true};
        case FactKind::worker_lost:
            return {warning, "backend's worker lost", "reason", "", "requests", true};
    }
    return {error, "unknown fact", "", "", "", false};
}

// A client with a dead token comes again and again, and there may be thousands after a change of
// keys.
std::chrono::seconds line_interval(FactKind kind) {
    const bool is_of_tokens =
        kind == FactKind::client_token_refused || kind == FactKind::token_refused;
    return std::chrono::seconds(is_of_tokens ? 60 : 1);
}

// Names come from other machines: a line of the log stays one line.
void append_pair(std::string& line, std::string_view key, std::string_view value) {
    if (key.empty() || value.empty()) return;
    line.append(line.find('=') == std::string::npos ? "  " : " ").append(key).append("=");
    const bool has_space = value.find(' ') != std::string_view::npos;
    if (has_space) line.push_back('"');
    for (const char c : value) {
        line.push_back(static_cast<unsigned char>(c) < 0x20 || c == '"' ? '?' : c);
    }
    if (has_space) line.push_back('"');
}

}  // namespace

void start_log(LogLevel level) {
    auto logger = spdlog::stderr_logger_mt("roostd");
    spdlog::set_default_logger(logger);
    spdlog::set_level(spd_level(level));
    if (std::getenv("JOURNAL_STREAM") != nullptr) {
        auto formatter = std::make_unique<spdlog::pattern_formatter>();
        formatter->add_flag<JournalPriority>('*').set_pattern("%*%v");
        spdlog::set_formatter(std::move(formatter));
    } else {
        spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    }
}

void log_line(LogLevel level, std::string_view text) {
    spdlog::log(spd_level(level), "{}", text);
}

void FactLog::note(const Fact& fact) {
    counts_[static_cast<std::size_t>(fact.kind)].fetch_add(1, std::memory_order_relaxed);
    const Wording wording = wording_of(fact.kind);
    std::uint64_t suppressed = 0;
    if (wording.is_caused_by_clients) {
        const auto admitted =
            limits_[static_cast<std::size_t>(fact.kind)].admit(line_interval(fact.kind));
        if (!admitted) return;
        suppressed = *admitted;
    }
    std::string line(wording.words);
    append_pair(line, wording.subject, fact.subject);
    append_pair(line, wording.detail, fact.detail);
    if (!wording.number.empty()) append_pair(line, wording.number, std::to_string(fact.number));
    append_pair(line, "address", fact.address);
    if (suppressed > 0) append_pair(line, "suppressed", std::to_string(suppressed));
    log_line(wording.level, line);
}

}  // namespace roost
