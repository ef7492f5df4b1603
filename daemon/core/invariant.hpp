// invariant: what must be true, checked in release too. A broken one stops the process.
#pragma once

#include <cstdio>
#include <cstdlib>

#define INVARIANT(condition)                                                                     \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            std::fprintf(stderr, "roostd: broken invariant: %s (%s:%d)\n", #condition, __FILE__, \
                         __LINE__);                                                              \
            std::abort();                                                                        \
        }                                                                                        \
    } while (false)
