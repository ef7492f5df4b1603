#include "daemon/core/refusal_delays.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace roost;
using namespace std::chrono_literals;

namespace {

Time at(Duration since) {
    return Time{since};
}

Address address(const std::string& text) {
    return parse_address(text).value();
}

Address numbered(unsigned n) {
    return address("10." + std::to_string(n >> 16) + "." + std::to_string(n >> 8 & 255) + "." +
                   std::to_string(n & 255));
}

const Address ada = address("192.0.2.1");
const Address bob = address("192.0.2.2");

}  // namespace

TEST_CASE("refusals in a row are told later and later, up to a limit") {
    RefusalDelays delays({});
    std::vector<Duration> waited;
    waited.reserve(13);
    for (int i = 0; i < 13; ++i) waited.push_back(delays.next(ada, at(1s)));
    CHECK(waited ==
          std::vector<Duration>{0s, 0s, 0s, 0s, 0s, 250ms, 500ms, 1s, 2s, 4s, 5s, 5s, 5s});
    CHECK(delays.next(bob, at(1s)) == 0s);
}

TEST_CASE("one refusal is forgiven after the other") {
    RefusalDelays delays({});
    for (int i = 0; i < 5; ++i) CHECK(delays.next(ada, at(0s)) == 0s);
    CHECK(delays.next(ada, at(11'999ms)) == 250ms);  // the sixth
    CHECK(delays.next(ada, at(12s)) == 250ms);       // of which one is forgiven
    CHECK(delays.next(ada, at(12s)) == 500ms);
    CHECK(delays.next(ada, at(36s)) == 250ms);
    CHECK(delays.next(ada, at(59'999ms)) == 250ms);
}

TEST_CASE("after a storm two minutes of quiet are enough") {
    RefusalDelays delays({});
    for (int i = 0; i < 100'000; ++i) (void)delays.next(ada, at(0s));
    CHECK(delays.next(ada, at(60s)) == 500ms);
    for (int i = 0; i < 5; ++i) CHECK(delays.next(ada, at(192s)) == 0s);
    CHECK(delays.next(ada, at(192s)) == 250ms);
}

TEST_CASE("a client that tries again as phoenix.js does waits longest in the end") {
    RefusalDelays delays({});
    Duration time{}, waited{};
    for (int i = 0; i < 40; ++i) {
        waited = delays.next(ada, at(time));
        time += waited + 5s;
    }
    CHECK(waited == 5s);
}

TEST_CASE("a client that fails once in a while never waits") {
    RefusalDelays delays({});
    for (int i = 0; i < 1000; ++i) REQUIRE(delays.next(ada, at(12s * i)) == 0s);
}

TEST_CASE("a network of IPv6 is one address") {
    RefusalDelays delays({});
    for (int i = 0; i < 5; ++i) {
        (void)delays.next(address("2001:db8::" + std::to_string(i + 1)), at(0s));
    }
    CHECK(delays.next(address("2001:db8::99"), at(0s)) == 250ms);
    CHECK(delays.next(address("2001:db8:0:1::99"), at(0s)) == 0s);
    CHECK(delays.addresses() == 2);
}

TEST_CASE("the limit holds whatever the first delay is") {
    DelayLimits limits;
    limits.at_once = 0;
    limits.longest = 100ms;
    RefusalDelays delays(limits);
    for (int i = 0; i < 100; ++i) CHECK(delays.next(ada, at(0s)) == 100ms);
}

TEST_CASE("so many addresses are known, and the longest quiet is forgotten first") {
    DelayLimits limits;
    limits.addresses_max = 100;
    RefusalDelays delays(limits);
    for (int i = 0; i < 6; ++i) (void)delays.next(ada, at(0s));
    for (int i = 0; i < 6; ++i) (void)delays.next(bob, at(0s));
    for (unsigned n = 0; n < 98; ++n) (void)delays.next(numbered(n), at(1s));
    CHECK(delays.addresses() == 100);
    CHECK(delays.next(ada, at(2s)) == 500ms);
    CHECK(delays.next(numbered(98), at(2s)) == 0s);  // in place of bob
    CHECK(delays.addresses() == 100);
    CHECK(delays.next(ada, at(2s)) == 1s);
    CHECK(delays.next(bob, at(2s)) == 0s);
    for (unsigned n = 0; n < 100'000; ++n) (void)delays.next(numbered(n), at(3s));
    CHECK(delays.addresses() == 100);
    CHECK(delays.next(ada, at(3s)) == 0s);
}

TEST_CASE("who is forgiven altogether is not kept") {
    RefusalDelays delays({});
    for (unsigned n = 0; n < 1000; ++n) (void)delays.next(numbered(n), at(0s));
    CHECK(delays.addresses() == 1000);
    (void)delays.next(ada, at(11s));
    CHECK(delays.addresses() == 1001);
    (void)delays.next(bob, at(12s));
    CHECK(delays.addresses() == 2);
}
