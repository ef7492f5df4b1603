#include "daemon/core/poll_sessions.hpp"

#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;

namespace {

const std::string secret(16, 's');
const PollToken token{{7, 2}, secret};

struct Answers : PollOutlet {
    void answer(PollId id, PollAnswer answer) override { given[id] = std::move(answer); }
    void over(SocketId socket) override { ended.push_back(socket); }
    std::map<PollId, PollAnswer> given;
    std::vector<SocketId> ended;
};

// The hub sends to the sessions, and closes them at the end of the turn, as the edge does.
struct Polling : SocketSink {
    Polling() { socket = sessions.open(secret, Wire::v2_text, now).socket; }

    bool send(SocketId to, std::string_view bytes) override { return sessions.send(to, bytes); }
    void end_turn() {
        hub.flush();
        for (const auto& [closed, code] : std::exchange(outlet.closes, {})) {
            sessions.close(closed);
            sessions.end_if_closed(closed);
        }
    }
    void post(std::string body, PollKind kind = PollKind::lines, const PollToken& to = token) {
        sessions.ask(++last, {to, kind, std::move(body)}, now);
        for (const auto& [bucket, ticket] : std::exchange(outlet.wants, {})) {
            hub.on_live(bucket, ticket, now);
        }
        end_turn();
    }
    PollId get(const PollToken& to = token) {
        sessions.ask(++last, {to, PollKind::get, {}}, now);
        end_turn();
        return last;
    }
    unsigned status(PollId id) { return answers.given.contains(id) ? answers.given[id].status : 0; }
    std::string body(PollId id) { return answers.given.at(id).body; }
    void publish(std::string_view payload, bool is_binary = false) {
        hub.on_broadcast(
            Broadcast::encode({9, 0}, ++number, {"room:a", "say", payload, {}, is_binary}), now);
        end_turn();
    }
    void join() {
        post(R"(["1","1","room:a","phx_join",{}])");
        REQUIRE(status(get()) == 200);
    }
    void run_for(Duration duration) {
        for (const Time stop = now + duration; now < stop;) {
            now += 100ms;
            sessions.tick(now);
            hub.tick(now);
            end_turn();
        }
    }
    std::string message(std::string_view payload) {
        return R"({"messages":["[null,null,\"room:a\",\"say\",)" + std::string(payload) +
               R"(]"],"status":200,"token":")" + text_of(token) + R"("})";
    }

    Time now{std::chrono::hours(1)};
    HubRecorder outlet;
    Rules rules{std::vector<Rule>{}};
    Hub hub{{7, 2}, rules, small_limits(), outlet, *this};
    Answers answers;
    PollSessions sessions{{7, 2}, {1s, 2000}, hub, answers};
    SocketId socket = 0;
    PollId last = 0;
    std::uint64_t number = 0;
};

}  // namespace

TEST_CASE("a session is told what came, in order, once") {
    Polling p;
    p.post("[\"1\",\"1\",\"room:a\",\"phx_join\",{}]\n[\"1\",\"2\",\"room:a\",\"say\",{}]");
    CHECK(p.status(p.last) == 200);
    CHECK(
        p.body(p.get()) ==
        R"({"messages":["[\"1\",\"1\",\"room:a\",\"phx_reply\",{\"response\":{},\"status\":\"ok\"}]",)"
        R"("[null,null,\"room:a\",\"say\",{}]",)"
        R"("[\"1\",\"2\",\"room:a\",\"phx_reply\",{\"response\":{},\"status\":\"ok\"}]"],)"
        R"("status":200,"token":")" +
            text_of(token) + R"("})");
    CHECK(p.status(p.get()) == 0);
}

TEST_CASE("a get that waits is answered by what comes first") {
    Polling p;
    p.join();
    const auto waiting = p.get();
    CHECK(p.status(waiting) == 0);
    CHECK(p.sessions.waiting() == 1);
    p.publish("1");
    CHECK(p.body(waiting) == p.message("1"));
    CHECK(p.sessions.waiting() == 0);

    const auto in_vain = p.get();
    p.run_for(900ms);
    CHECK(p.status(in_vain) == 0);
    p.run_for(100ms);
    CHECK(p.body(in_vain) == R"({"messages":[],"status":204,"token":")" + text_of(token) + R"("})");
}

TEST_CASE("of two gets the newer is answered, and the older waits out its time") {
    Polling p;
    p.join();
    const auto older = p.get();
    const auto newer = p.get();
    p.publish("1");
    CHECK(p.status(newer) == 200);
    CHECK(p.status(older) == 0);
    p.publish("2");
    CHECK(p.status(older) == 0);
    p.run_for(1s);
    CHECK(p.status(older) == 204);
    CHECK(p.body(p.get()) == p.message("2"));
}

TEST_CASE("of three gets the first is sent away") {
    Polling p;
    p.join();
    const auto first = p.get();
    const auto second = p.get();
    CHECK(p.status(first) == 0);
    const auto third = p.get();
    CHECK(p.status(first) == 204);
    CHECK(p.status(second) == 0);
    p.publish("1");
    CHECK(p.status(third) == 200);
}

TEST_CASE("who only looks does not wait") {
    Polling p;
    p.join();
    p.sessions.ask(++p.last, {token, PollKind::look, {}}, p.now);
    CHECK(p.status(p.last) == 204);
    CHECK(p.sessions.waiting() == 0);
    p.publish("1");
    p.sessions.ask(++p.last, {token, PollKind::look, {}}, p.now);
    CHECK(p.body(p.last) == p.message("1"));
}

TEST_CASE("when the newer get is gone, what comes is kept for the next") {
    Polling p;
    p.join();
    const auto older = p.get();
    p.sessions.forget(p.get());
    p.sessions.forget(999);
    p.publish("1");
    CHECK(p.status(older) == 0);
    CHECK(p.body(p.get()) == p.message("1"));
}

TEST_CASE("a session that is not polled is over after two windows") {
    Polling p;
    p.join();
    p.run_for(1900ms);
    CHECK(p.sessions.size() == 1);
    // To post is not to poll.
    p.post("[]");
    p.run_for(100ms);
    CHECK(p.sessions.size() == 0);
    CHECK(p.answers.ended == std::vector<SocketId>{p.socket});
    CHECK(p.hub.connection_count() == 0);
    CHECK(p.status(p.get()) == 410);
    p.post("[]");
    CHECK(p.body(p.last) == R"({"status":410})");
}

TEST_CASE("one that is polled lives, longer than a silent WebSocket would") {
    Polling p;
    p.join();
    for (int i = 0; i < 90; ++i) {
        const auto id = p.get();
        p.run_for(1s);
        REQUIRE(p.status(id) == 204);
    }
    CHECK(p.sessions.size() == 1);
}

TEST_CASE("what waits for a session is bounded, and then it is over") {
    Polling p;
    p.join();
    const std::string payload = '"' + std::string(300, 'x') + '"';
    int published = 0;
    while (p.sessions.size() == 1 && published < 100) {
        p.publish(payload);
        ++published;
    }
    // One that the session has, and as many as are within the 1000 bytes of the outbox.
    CHECK(published == 5);
    CHECK(p.outlet.facts[FactKind::client_closed_slow] == 1);
    CHECK(p.status(p.get()) == 410);
}

TEST_CASE("what has waited comes with the next get, and not twice") {
    Polling p;
    p.join();
    for (int i = 0; i < 10; ++i) p.publish(std::to_string(i));
    const auto body = p.body(p.get());
    std::size_t at = 0;
    for (int i = 0; i < 10; ++i) {
        const auto next = body.find(R"(\"say\",)" + std::to_string(i) + "]");
        REQUIRE(next != std::string::npos);
        CHECK(next > at);
        at = next;
    }
    CHECK(p.status(p.get()) == 0);
}

TEST_CASE("the hub closes a session: every get that waits is told") {
    Polling p;
    const auto older = p.get();
    const auto newer = p.get();
    p.hub.hand_over(10);
    p.end_turn();
    CHECK(p.body(older) == R"({"status":410})");
    CHECK(p.body(newer) == R"({"status":410})");
    CHECK(p.sessions.waiting() == 0);
    CHECK(p.hub.connection_count() == 0);
    p.sessions.end_if_closed(p.socket);  // again: it has been
    CHECK(p.answers.ended.size() == 1);
    // Another session has its place by now.
    const auto next = p.sessions.open(std::string(16, 'n'), Wire::v2_text, p.now).socket;
    CHECK(next == p.socket);
    p.sessions.end_if_closed(next);
    CHECK(p.sessions.size() == 1);
}

TEST_CASE("bytes may be said, and are told as JSON") {
    Polling p;
    p.join();
    // 00 01 01 06 03 "1" "2" "room:a" "img" 01 02 03
    p.post("AAEBBgMxMnJvb206YWltZwECAw==");
    CHECK(p.body(p.get()).find(R"([null,null,\"room:a\",\"img\",{\"base64\":\"AQID\"}])") !=
          std::string::npos);
    p.publish("\xff\x00", true);
    CHECK(p.body(p.get()) == p.message(R"({\"base64\":\"/w==\"})"));
}

TEST_CASE("a frame that is too long ends the session, one that is bad does not") {
    Polling p;
    p.post("[oops", PollKind::frame);
    CHECK(p.status(p.last) == 200);
    CHECK(p.body(p.get()).find("frame is not JSON") != std::string::npos);
    p.post(std::string(2001, ' '), PollKind::frame);
    CHECK(p.sessions.size() == 0);
}

TEST_CASE("another secret is another session") {
    Polling p;
    const PollToken other{{7, 2}, std::string(16, 't')};
    CHECK(p.status(p.get(other)) == 410);
    (void)p.sessions.open(other.secret, Wire::v1, p.now);
    p.join();
    p.publish("1");
    CHECK(p.status(p.get(other)) == 0);
    CHECK(p.body(p.get()) == p.message("1"));
}
