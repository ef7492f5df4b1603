// roostd: signals and lifecycle. The work is done by the loops of the Node.
#include <signal.h>

#include <exception>
#include <iostream>
#include <random>

#include "daemon/edge/start_error.hpp"
#include "daemon/edge/systemd.hpp"
#include "daemon/explain.hpp"
#include "daemon/node.hpp"

namespace {

using namespace roost;

// Blocked in every thread, and waited for in this one.
sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
    return signals;
}

// Feeds the watchdog while every loop turns; returns when a signal asks for the end.
void watch(Node& node, const sigset_t& signals) {
    const auto feeding = systemd::watchdog_interval();
    const auto interval =
        std::min<Duration>(feeding.value_or(std::chrono::seconds(1)), std::chrono::seconds(1));
    const timespec wait{interval.count() / 1'000'000, interval.count() % 1'000'000 * 1000};
    auto before = node.board().beats();
    while (true) {
        const int signal = sigtimedwait(&signals, nullptr, &wait);
        if (signal == SIGHUP) node.reload();
        if (signal > 0 && signal != SIGHUP) return;
        systemd::status(node.status_line());
        const auto beats = node.board().beats();
        bool is_alive = true;
        for (std::size_t i = 0; i < beats.size(); ++i) is_alive &= beats[i] != before[i];
        before = beats;
        if (feeding && is_alive) systemd::feed_watchdog();
    }
}

Incarnation draw_incarnation() {
    std::random_device random;
    const std::uint64_t high = random();
    return high << 32 | random() | 1;  // never 0, which means none
}

int run(const Options& options) {
    const sigset_t signals = block_signals();
    Node node(options, draw_incarnation());
    node.start();
    log_line(LogLevel::info,
             "ready  node=" + options.name + " listen=" + options.door.listen_text() +
                 " group=" + options.group + " group_listen=" + options.group_listen.text() +
                 " control=" + options.control);
    systemd::ready();
    watch(node, signals);
    log_line(LogLevel::info, "stopping");
    systemd::stopping();
    node.stop();
    log_line(LogLevel::info, "stopped");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto parsed = parse_options(argc, argv);
    if (!parsed.options) return parsed.exit_code;
    try {
        if (parsed.options->questions.any()) {
            answer_questions(*parsed.options);
            return 0;
        }
        start_log(parsed.options->log_level);
        return run(*parsed.options);
    } catch (const StartError& error) {
        std::cerr << "roostd: " << error.what() << '\n';
        return error.code();
    } catch (const std::exception& error) {
        std::cerr << "roostd: " << error.what() << '\n';
        return exit_code::software;
    }
}
