#include "daemon/core/rate_limit.hpp"

#include <catch2/catch.hpp>

using namespace roost;
using namespace std::chrono_literals;

namespace {

int admitted(const RateLimit& limit, Time& paid, Time now, int wanted) {
    int count = 0;
    for (int i = 0; i < wanted; ++i) count += limit.admit(paid, now);
    return count;
}

}  // namespace

TEST_CASE("a burst is admitted at once, and then so many a second") {
    const RateLimit limit(10, 5);
    Time now{1h}, paid{};
    CHECK(admitted(limit, paid, now, 100) == 5);
    now += 99ms;
    CHECK(admitted(limit, paid, now, 100) == 0);
    now += 1ms;
    CHECK(admitted(limit, paid, now, 100) == 1);
    now += 200ms;
    CHECK(admitted(limit, paid, now, 100) == 2);
}

TEST_CASE("what was not taken is kept up to the burst, and no further") {
    const RateLimit limit(10, 5);
    Time paid{};
    CHECK(admitted(limit, paid, Time{1h}, 3) == 3);
    CHECK(admitted(limit, paid, Time{2h}, 100) == 5);
}

TEST_CASE("refusals cost nothing") {
    const RateLimit limit(1, 1);
    Time paid{};
    CHECK(admitted(limit, paid, Time{1h}, 1000) == 1);
    CHECK(admitted(limit, paid, Time{1h} + 1s, 1000) == 1);
}

TEST_CASE("a rate of 0 limits nothing") {
    const RateLimit limit(0, 0);
    Time paid{};
    CHECK(admitted(limit, paid, Time{1h}, 1000) == 1000);
}
