#include "daemon/core/outbox.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>
#include <span>
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

TEST_CASE(
    "a frame for all of them but one goes to all but that one, whatever they were sent before") {
    Fixture f;
    const std::vector<SocketId> all{0, 1, 2};
    const std::string first = "first ", second = "second ", third = "third";
    f.outbox.put_all(all, f.outbox.add({nullptr, first}), 1);
    f.outbox.put(2, "own "s);
    f.outbox.put_all(all, f.outbox.add({nullptr, second}));
    f.outbox.put_all(all, f.outbox.add({nullptr, third}), 0);
    CHECK(f.outbox.flush().empty());
    std::map<SocketId, std::string> got;
    for (const auto& [socket, bytes] : f.sink.sent) got[socket] += bytes;
    CHECK(got == std::map<SocketId, std::string>{
                     {0, "first second "}, {1, "second third"}, {2, "first own second third"}});
    CHECK(f.sink.sent.size() == 3);
}

TEST_CASE("sockets are handed on in batches, each once, and those behind are known by the answer") {
    struct Batches : Sink {
        void send_all(std::span<Sending> sendings) override {
            sizes.push_back(sendings.size());
            SocketSink::send_all(sendings);
        }
        std::vector<std::size_t> sizes;
    };
    Batches sink;
    Outbox outbox(sink, {1000});
    std::vector<SocketId> all;
    for (SocketId socket = 0; socket < 600; ++socket) {
        outbox.open(socket);
        all.push_back(socket);
    }
    sink.slow = {5, 599};
    const std::string first = "a", second = "b";
    outbox.put_all(all, outbox.add({nullptr, first}));
    outbox.put_all(all, outbox.add({nullptr, second}));
    CHECK(outbox.flush().empty());
    CHECK(sink.sizes == std::vector<std::size_t>{256, 256, 88});
    CHECK(sink.sent.size() == 600);
    for (const auto& [socket, bytes] : sink.sent) CHECK(bytes == "ab");
    outbox.put_all(all, outbox.add({nullptr, first}));
    CHECK(outbox.flush().empty());
    CHECK(sink.sent.size() == 1198);
    CHECK(outbox.waiting_bytes(5) == 1);
    CHECK(outbox.waiting_bytes(599) == 1);
    CHECK(outbox.waiting_bytes(6) == 0);
}

TEST_CASE("what a turn gathers beyond the room of a batch leaves in several") {
    Fixture f(10'000'000);
    std::vector<std::string> own;
    // Each socket another sequence of 60 KB, from as many frames as a turn may have.
    Outbox outbox(f.sink, {10'000'000});
    for (SocketId socket = 0; socket < 40; ++socket) {
        outbox.open(socket);
        std::string all;
        for (int i = 0; i < 20; ++i) {
            const std::string frame = std::to_string(socket) + std::string(3000, 'x');
            all += frame;
            outbox.put(socket, std::string_view(frame));
        }
        own.push_back(all);
    }
    CHECK(outbox.flush().empty());
    REQUIRE(f.sink.sent.size() == 40);
    for (SocketId socket = 0; socket < 40; ++socket) {
        CHECK(f.sink.sent[socket] == std::pair<SocketId, std::string>{socket, own[socket]});
    }
}
