#include "daemon/edge/systemd.hpp"

#include <systemd/sd-daemon.h>

namespace roost::systemd {

void ready() {
    sd_notify(0, "READY=1");
}
void stopping() {
    sd_notify(0, "STOPPING=1");
}
void status(const std::string& line) {
    sd_notify(0, ("STATUS=" + line).c_str());
}

std::optional<Duration> watchdog_interval() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return Duration(microseconds / 2);
}

void feed_watchdog() {
    sd_notify(0, "WATCHDOG=1");
}

}  // namespace roost::systemd
