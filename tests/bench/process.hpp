// process: what the kernel says of the processes under test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace roost::bench {

// User and system time of all threads of all of them so far, counted by the kernel in steps of 10
// ms.
double cpu_seconds(const std::vector<pid_t>& processes);

// Their proportional share of the memory they use, when it has stopped to change. Socket buffers
// are the kernel's and not in it.
std::uint64_t pss_at_rest(const std::vector<pid_t>& processes);

}  // namespace roost::bench
