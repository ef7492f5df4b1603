// process: what the kernel says of the process under test.
#pragma once

#include <sys/types.h>
#include <cstdint>

namespace roost::bench {

// User and system time of all threads so far, counted by the kernel in steps of 10 ms.
double cpu_seconds(pid_t process);

// Its proportional share of the memory it uses. Socket buffers are the kernel's and not in it.
std::uint64_t pss_bytes(pid_t process);

double own_cpu_seconds();

void raise_descriptor_limit();

}  // namespace roost::bench
