#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

Rule rule(std::string_view text) {
    const auto parsed = parse_rule(text);
    REQUIRE(parsed);
    return *parsed;
}

struct SlowFixture : HubFixture {
    explicit SlowFixture(std::string_view text) : HubFixture({rule(text)}) {}

    // A member with positions that from now on does not read.
    SocketId positioned() {
        const auto socket = open();
        say(socket, R"(["1","1","room:a","phx_join",{"since":{}}])");
        make_live();
        for (const auto& resume : std::exchange(outlet.resumes, {})) {
            Replay replay;
            replay.is_recovered = true;
            hub.on_resumed(resume.ticket, replay, now);
        }
        REQUIRE(heard(socket).size() == 1);
        return socket;
    }
    // The first message goes to its kernel, and then it takes no more.
    void stop_reading(SocketId socket) {
        sink.slow.insert(socket);
        publish(1);
        REQUIRE(heard(socket).size() == 1);
    }
    void publish(std::uint64_t number) {
        hub.on_broadcast(
            Broadcast::encode({9, 0}, number,
                              {"room:a", "n", R"({"n":)" + std::to_string(number) + "}", {}, false},
                              bucket_bits_max),
            now);
        hub.flush();
    }
    Texts read_again(SocketId socket) {
        sink.slow.erase(socket);
        hub.on_writable(socket);
        return heard(socket);
    }
};

std::string told(std::uint64_t number) {
    const auto text = std::to_string(number);
    return R"([null,"0000000000000009.0/)" + text + R"(","room:a","n",{"n":)" + text + "}]";
}

std::string gap(std::uint64_t from, std::uint64_t to) {
    return R"([null,"0000000000000009.0/)" + std::to_string(to) +
           R"(","room:a","roost:gap",{"origin":"0000000000000009.0","from":)" +
           std::to_string(from) + R"(,"to":)" + std::to_string(to) + R"(,"slow":true}])";
}

}  // namespace

TEST_CASE("slow=latest: one that reads again is told of a gap, and then the newest message") {
    SlowFixture f("room:* slow=latest");
    const auto slow = f.positioned();
    f.stop_reading(slow);
    for (std::uint64_t n = 2; n <= 500; ++n) f.publish(n);
    CHECK(f.outlet.closes.empty());
    CHECK(f.read_again(slow) == Texts{gap(2, 499), told(500)});
    CHECK(f.hub.outbox().skipped().replaced == 498);
    // It is as any other again.
    f.publish(501);
    CHECK(f.heard(slow) == Texts{told(501)});
}

TEST_CASE("slow=drop-oldest: what is left is in order, behind the gap") {
    SlowFixture f("room:* slow=drop-oldest");
    const auto slow = f.positioned();
    f.stop_reading(slow);
    for (std::uint64_t n = 2; n <= 500; ++n) f.publish(n);
    CHECK(f.outlet.closes.empty());
    CHECK(f.hub.outbox().waiting_bytes(slow) <= 1000);
    const auto got = f.read_again(slow);
    REQUIRE(got.size() > 2);
    const auto first = 500 - got.size() + 2;
    CHECK(got.front() == gap(2, first - 1));
    for (std::size_t i = 1; i < got.size(); ++i) CHECK(got[i] == told(first + i - 1));
    CHECK(f.hub.outbox().skipped().dropped == first - 2);
}

TEST_CASE("slow=disconnect: it is closed with 1013, as without the key") {
    for (const auto* text : {"room:* slow=disconnect", "room:*"}) {
        SlowFixture f(text);
        const auto slow = f.positioned();
        f.stop_reading(slow);
        for (std::uint64_t n = 2; n <= 50; ++n) f.publish(n);
        CHECK(f.outlet.closes ==
              std::vector<std::pair<SocketId, CloseCode>>{{slow, CloseCode::try_later}});
    }
}

TEST_CASE("a slow client costs nobody else a message, and who has no positions hears of no gap") {
    SlowFixture f("room:* slow=latest");
    const auto fast = f.positioned();
    const auto slow = f.joined("room:a");
    (void)f.heard(fast);
    f.sink.slow.insert(slow);
    for (std::uint64_t n = 1; n <= 100; ++n) {
        f.publish(n);
        CHECK(f.heard(fast) == Texts{told(n)});
    }
    (void)f.heard(slow);
    CHECK(f.read_again(slow) == Texts{R"([null,null,"room:a","n",{"n":100}])"});
}

TEST_CASE("what belongs to a channel that was left is not told as its gap") {
    SlowFixture f("room:* slow=latest");
    const auto slow = f.positioned();
    f.stop_reading(slow);
    f.publish(2);
    f.publish(3);
    f.say(slow, R"(["1","2","room:a","phx_leave",{}])");
    f.hub.flush();
    const auto got = f.read_again(slow);
    REQUIRE(got.size() == 3);
    CHECK(got[0] == told(3));
    CHECK(got[1] == R"(["1","2","room:a",)" + ok);
}
