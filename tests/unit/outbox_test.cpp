#include "daemon/core/outbox.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace roost;
using namespace std::string_literals;

namespace {

struct Sink : SocketSink {
    bool send(SocketId socket, std::string_view bytes) override {
        sent.emplace_back(socket, bytes);
        return !slow.contains(socket);
    }

    std::vector<std::pair<SocketId, std::string>> sent;
    std::set<SocketId> slow;
};

using Sent = std::vector<std::pair<SocketId, std::string>>;

struct Fixture {
    explicit Fixture(std::size_t bytes_max = 1000) : outbox(sink, {bytes_max}) {
        for (SocketId socket = 0; socket < 3; ++socket) outbox.open(socket);
    }
    // From now on the socket is behind.
    void fall_behind(SocketId socket) {
        sink.slow.insert(socket);
        outbox.put(socket, "first"s);
        REQUIRE(outbox.flush().empty());
        sink.sent.clear();
    }

    Sink sink;
    Outbox outbox;
};

}  // namespace

TEST_CASE("nothing is sent before the flush, and then with one send for each socket") {
    Fixture f;
    const auto shared = std::make_shared<const std::string>("all ");
    f.outbox.put(0, "a"s);
    const auto frame = f.outbox.add({shared, *shared});
    f.outbox.put(0, frame);
    f.outbox.put(1, frame);
    f.outbox.put(0, "b"s);
    CHECK(f.sink.sent.empty());
    CHECK(f.outbox.has_pending());
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent == Sent{{0, "aall b"}, {1, "all "}});
    CHECK(f.outbox.frames_sent() == 4);
    CHECK(f.outbox.sends() == 2);
    CHECK_FALSE(f.outbox.has_pending());
}

TEST_CASE("a flush with nothing pending sends nothing") {
    Fixture f;
    f.outbox.put(0, "a"s);
    CHECK(f.outbox.flush().empty());
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent.size() == 1);
}

TEST_CASE("a frame's bytes live as long as somebody waits for them, and no longer") {
    Fixture f;
    f.fall_behind(1);
    auto owner = std::make_shared<const std::string>("bytes");
    const std::weak_ptr<const std::string> watched = owner;
    const std::string_view bytes = *owner;
    const auto frame = f.outbox.add({std::move(owner), bytes});
    f.outbox.put(0, frame);
    f.outbox.put(1, frame);
    CHECK(f.outbox.flush().empty());
    CHECK_FALSE(watched.expired());
    f.sink.slow.clear();
    f.outbox.on_writable(1);
    CHECK(f.sink.sent == Sent{{0, "bytes"}, {1, "bytes"}});
    CHECK(watched.expired());
}

TEST_CASE("a socket that is behind is sent nothing until it is writable, and then all in order") {
    Fixture f;
    f.fall_behind(0);
    f.outbox.put(0, "one "s);
    f.outbox.put(0, "two "s);
    CHECK(f.outbox.flush().empty());
    f.outbox.put(0, "three "s);
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent.empty());
    CHECK(f.outbox.waiting_bytes(0) == 14);

    f.sink.slow.clear();
    f.outbox.put(0, "four"s);
    f.outbox.on_writable(0);
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent == Sent{{0, "one two three "}, {0, "four"}});
    CHECK(f.outbox.waiting_bytes(0) == 0);
}

TEST_CASE("a socket that falls behind again while it is served keeps its order") {
    Fixture f(1'000'000);
    f.fall_behind(0);
    std::string all;
    for (int i = 0; i < 10; ++i) {
        const auto frame = std::to_string(i) + std::string(30'000, 'x');
        all += frame;
        f.outbox.put(0, frame);
        CHECK(f.outbox.flush().empty());
    }
    for (int turn = 0; turn < 20 && f.outbox.waiting_bytes(0) > 0; ++turn) {
        const auto before = f.sink.sent.size();
        f.outbox.on_writable(0);
        CHECK(f.sink.sent.size() == before + 1);  // it is slow: one piece at a time
    }
    f.sink.slow.clear();
    f.outbox.on_writable(0);
    f.outbox.put(0, "end"s);
    CHECK(f.outbox.flush().empty());
    std::string got;
    for (const auto& [socket, bytes] : f.sink.sent) got += bytes;
    CHECK(got == all + "end");
}

TEST_CASE("a slow socket delays nobody else") {
    Fixture f;
    f.fall_behind(0);
    f.outbox.put(0, "x"s);
    f.outbox.put(1, "y"s);
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent == Sent{{1, "y"}});
}

TEST_CASE("a socket whose waiting bytes pass the limit is named, one at the limit is not") {
    Fixture f(10);
    f.fall_behind(0);
    f.outbox.put(0, std::string(10, 'a'));
    CHECK(f.outbox.flush().empty());
    CHECK(f.outbox.waiting_bytes(0) == 10);
    f.outbox.put(0, "b"s);
    CHECK(f.outbox.flush() == std::vector<SocketId>{0});
}

TEST_CASE("the limit is for what waits, not for what one turn sends") {
    Fixture f(10);
    f.outbox.put(0, std::string(5000, 'a'));
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent.size() == 1);
}

TEST_CASE("a socket past its limit takes no more memory while it is being closed") {
    Fixture f(10);
    f.fall_behind(0);
    for (int turn = 0; turn < 100; ++turn) {
        f.outbox.put(0, "12345"s);
        (void)f.outbox.flush();
    }
    CHECK(f.outbox.waiting_bytes(0) <= 15);
}

TEST_CASE("a closed socket gets nothing, pending or waiting") {
    Fixture f;
    f.fall_behind(0);
    f.outbox.put(0, "waits"s);
    f.outbox.put(1, "pending"s);
    CHECK(f.outbox.flush().empty());
    f.sink.sent.clear();
    f.outbox.put(1, "pending"s);
    f.outbox.close(0);
    f.outbox.close(1);
    f.outbox.put(1, "late"s);
    CHECK(f.outbox.flush().empty());
    f.outbox.on_writable(0);
    CHECK(f.sink.sent.empty());
    CHECK(f.outbox.waiting_bytes(0) == 0);
}

TEST_CASE("a socket closed and opened again within a turn gets nothing of the old one") {
    Fixture f;
    f.outbox.put(0, "old"s);
    f.outbox.close(0);
    f.outbox.open(0);
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent.empty());

    f.outbox.put(0, "old"s);
    f.outbox.put(1, "other"s);
    f.outbox.close(0);
    f.outbox.open(0);
    f.outbox.put(0, "new"s);
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent == Sent{{0, "new"}, {1, "other"}});
}

TEST_CASE("a place taken again is not behind because the one before was") {
    Fixture f;
    f.fall_behind(0);
    f.outbox.put(0, "old"s);
    CHECK(f.outbox.flush().empty());
    f.outbox.close(0);
    f.sink.slow.clear();
    f.outbox.open(0);
    f.outbox.put(0, "new"s);
    CHECK(f.outbox.flush().empty());
    CHECK(f.sink.sent == Sent{{0, "new"}});
}
