// systemd: what the service manager is told. Does nothing where there is none.
#pragma once

#include <optional>
#include <string>

#include "daemon/core/time.hpp"

namespace roost::systemd {

void ready();
void stopping();
void status(const std::string& line);
// How often the watchdog wants to be fed, if it is on.
std::optional<Duration> watchdog_interval();
void feed_watchdog();

}  // namespace roost::systemd
