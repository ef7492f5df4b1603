#include <catch2/catch.hpp>

#include "daemon/core/hub.hpp"
#include "proto/client_binary.hpp"
#include "proto/limits.hpp"
#include "tests/unit/hub_fixture.hpp"

using namespace roost;
using namespace roost::test;
using backend::Outcome;

namespace {

struct AskingOutlet : HubRecorder {
    bool ask_backend(std::uint64_t number, backend::Request&& request) override {
        if (is_full) return false;
        asked.emplace_back(number, std::move(request));
        return true;
    }
    void take_back(std::uint64_t number) override { taken_back.push_back(number); }

    bool is_full = false;
    std::vector<std::pair<std::uint64_t, backend::Request>> asked;
    std::vector<std::uint64_t> taken_back;
};

Rule rule_of(const std::string& text) {
    return *parse_rule(text);
}

struct Fixture {
    explicit Fixture(const std::string& rule = "room:* join=backend push=backend")
        : rules({rule_of(rule), rule_of("open:*")}) {}

    void say(SocketId socket, std::string_view text) { hub.on_text(socket, text, now); }
    Texts heard(SocketId socket) {
        hub.flush();
        return std::exchange(sink.sent[socket], {});
    }
    void make_live() {
        for (const auto& [bucket, ticket] : std::exchange(outlet.wants, {})) {
            hub.on_live(bucket, ticket, now);
        }
    }
    void answer(std::size_t index, const backend::Response& response = {}) {
        hub.on_backend(outlet.asked.at(index).first, {Outcome::Kind::answered, response}, now);
    }
    void end(std::size_t index, Outcome::Kind kind) {
        hub.on_backend(outlet.asked.at(index).first, {kind, {}}, now);
    }
    SocketId joined() {
        const auto socket = hub.on_open(Wire::v2, now);
        say(socket, R"(["1","1","room:a","phx_join",{}])");
        make_live();
        answer(outlet.asked.size() - 1);
        REQUIRE(heard(socket) == Texts{R"(["1","1","room:a",)" + ok});
        return socket;
    }

    Time now{std::chrono::hours(1)};
    AskingOutlet outlet;
    FrameRecorder sink;
    Rules rules;
    Hub hub{{7, 2}, rules, small_limits(), outlet, sink};
};

backend::Response with(std::vector<backend::Action> actions) {
    backend::Response response;
    response.actions = std::move(actions);
    return response;
}

}  // namespace

TEST_CASE("a join waits for its bucket and for the backend, whichever comes last") {
    const bool is_backend_last = GENERATE(false, true);
    Fixture f;
    const auto socket = f.hub.on_open(Wire::v2, f.now);
    f.say(socket, R"(["1","1","room:a","phx_join",{"a":1}])");
    f.say(socket, R"(["1","2","room:a","echo",{}])");
    REQUIRE(f.outlet.asked.size() == 1);
    const auto& request = f.outlet.asked[0].second;
    CHECK(request.kind == backend::Kind::join);
    CHECK(request.payload == R"({"a":1})");
    CHECK(request.session == text_of(f.hub.session_of(socket)));
    is_backend_last ? f.make_live() : f.answer(0);
    CHECK(f.heard(socket).empty());
    is_backend_last ? f.answer(0) : f.make_live();
    CHECK(f.heard(socket) == Texts{R"(["1","1","room:a",)" + ok});
    // What was said meanwhile is asked about next.
    REQUIRE(f.outlet.asked.size() == 2);
    CHECK(f.outlet.asked[1].second.event == "echo");
}

TEST_CASE("a join that is not decided is refused with the reason") {
    Fixture f;
    const auto socket = f.hub.on_open(Wire::v2, f.now);
    const std::vector<std::pair<Outcome::Kind, std::string>> ends{
        {Outcome::Kind::unavailable, "backend unavailable"},
        {Outcome::Kind::late, "backend timed out"},
        {Outcome::Kind::failed, "backend failed"}};
    for (std::size_t i = 0; i < ends.size(); ++i) {
        f.say(socket, R"(["1","1","room:a","phx_join",{}])");
        f.end(i, ends[i].first);
        CHECK(f.heard(socket) == Texts{R"(["1","1","room:a",)" + error(ends[i].second)});
    }
    f.outlet.is_full = true;
    f.say(socket, R"(["1","1","room:a","phx_join",{}])");
    CHECK(f.heard(socket) == Texts{R"(["1","1","room:a",)" + error("backend unavailable")});
    CHECK(f.hub.channels().channel_count() == 0);
}

TEST_CASE("messages of a channel are asked about one after the other") {
    Fixture f("room:* join=open push=backend:echo");
    const auto socket = f.hub.on_open(Wire::v2, f.now);
    f.say(socket, R"(["1","1","room:a","phx_join",{}])");
    f.make_live();
    f.heard(socket);
    f.say(socket, R"(["1","2","room:a","echo",{"n":2}])");
    f.say(socket, R"(["1","3","room:a","said",{"n":3}])");  // no backend's business, but in order
    f.say(socket, R"(["1","4","room:a","echo",{"n":4}])");
    f.say(socket, R"([null,"5","phoenix","heartbeat",{}])");
    CHECK(f.outlet.asked.size() == 1);
    CHECK(f.heard(socket) == Texts{R"([null,"5","phoenix",)" + ok});
    f.answer(0);
    CHECK(f.heard(socket) == Texts{R"(["1","2","room:a",)" + ok,
                                   R"([null,null,"room:a","said",{"n":3}])",
                                   R"(["1","3","room:a",)" + ok});
    REQUIRE(f.outlet.asked.size() == 2);
    CHECK(f.outlet.asked[1].second.payload == R"({"n":4})");
    CHECK(f.outlet.asked[1].second.ref == R"("4")");
}

TEST_CASE("what waits for a backend is bounded, and the client is not closed for it") {
    Fixture f;
    const auto socket = f.joined();
    for (int i = 0; i < 65; ++i) f.say(socket, R"(["1","2","room:a","echo",{}])");
    CHECK(f.heard(socket).empty());
    f.say(socket, R"(["1","99","room:a","echo",{}])");
    CHECK(f.heard(socket) ==
          Texts{R"(["1","99","room:a",)" + error("too many messages wait for the backend")});
    CHECK(f.outlet.closes.empty());
    // A leave is never refused.
    f.say(socket, R"(["1","100","room:a","phx_leave",{}])");
    CHECK(f.heard(socket) ==
          Texts{R"(["1","100","room:a",)" + ok, R"(["1","1","room:a","phx_close",{}])"});
    CHECK(f.outlet.taken_back.size() == 1);
}

TEST_CASE("broadcasts of an answer are sent even if the client has gone, the rest is dropped") {
    Fixture f;
    const auto gone = f.joined(), stays = f.joined();
    f.say(gone, R"(["1","2","room:a","echo",{}])");
    f.hub.on_close(gone);
    CHECK(f.outlet.taken_back.size() == 1);
    f.answer(2, with({{backend::Action::Kind::broadcast, "", "said", R"({"a":1})", false},
                      {backend::Action::Kind::push, "", "mine", "{}", false},
                      {backend::Action::Kind::disconnect, "", "", "", false}}));
    CHECK(f.heard(stays) == Texts{R"([null,null,"room:a","said",{"a":1}])"});
    CHECK(f.outlet.published.size() == 1);
    CHECK(f.outlet.closes.empty());
}

TEST_CASE("an answer to a channel that is gone says nothing to its successor") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["1","2","room:a","echo",{}])");
    f.say(socket, R"(["3","3","room:a","phx_join",{}])");  // ends the channel that waits
    f.heard(socket);
    f.answer(2);
    CHECK(f.heard(socket) == Texts{R"(["3","3","room:a",)" + ok});
    f.answer(1);
    CHECK(f.heard(socket).empty());
}

TEST_CASE("user and data stick to the connection") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["1","2","room:a","echo",{}])");
    backend::Response response;
    response.user = "ann";
    response.data = R"({"role":"host"})";
    f.answer(1, response);
    f.say(socket, R"(["4","4","room:b","phx_join",{}])");
    CHECK(f.outlet.asked.at(2).second.user == "ann");
    CHECK(f.outlet.asked.at(2).second.data == R"({"role":"host"})");
}

TEST_CASE("a crash ends the channel with phx_error, and what waited is unmatched") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["1","2","room:a","echo",{}])");
    f.say(socket, R"(["1","3","room:a","echo",{}])");
    backend::Response response;
    response.is_crash = true;
    f.answer(1, response);
    CHECK(f.heard(socket) == Texts{R"(["1","1","room:a","phx_error",{"reason":"channel_crash"}])",
                                   R"([null,"3","room:a",)" + error("unmatched topic")});
}

TEST_CASE("a connection waits to be let in; heartbeats are answered meanwhile") {
    Fixture f;
    const auto open = [&] {
        return f.hub.on_open(Wire::v2, f.now, nullptr, std::make_unique<backend::Request>());
    };
    const auto socket = open();
    REQUIRE(f.outlet.asked.size() == 1);
    CHECK(f.outlet.asked[0].second.kind == backend::Kind::connect);
    f.say(socket, R"(["1","1","open:a","phx_join",{}])");
    f.say(socket, R"([null,"5","phoenix","heartbeat",{}])");
    CHECK(f.heard(socket) == Texts{R"([null,"5","phoenix",)" + ok});
    f.answer(0);
    f.make_live();
    CHECK(f.heard(socket) == Texts{R"(["1","1","open:a",)" + ok});

    const auto refused = open();
    backend::Response response;
    response.status = "error";
    response.payload = R"({"reason":"no"})";
    f.answer(1, response);
    CHECK(f.heard(refused) == Texts{R"([null,null,"phoenix","phx_error",{"reason":"no"}])"});
    CHECK(f.outlet.closes.back() == std::pair(refused, CloseCode::policy));

    const auto greedy = open();
    for (int i = 0; i < 65; ++i) f.say(greedy, R"(["1","1","open:a","phx_join",{}])");
    CHECK(f.outlet.closes.back() == std::pair(greedy, CloseCode::policy));
    CHECK(f.outlet.taken_back.size() == 1);
    f.end(2, Outcome::Kind::cancelled);
    const auto gone = open();
    f.hub.on_close(gone);
    f.end(3, Outcome::Kind::cancelled);
    CHECK(f.outlet.taken_back.size() == 2);
}

TEST_CASE("bytes on a topic that no binary frame can name are broadcast as their substitute") {
    const std::string topic = "room:" + std::string(300, 'x');
    Fixture f;
    const auto socket = f.hub.on_open(Wire::v2, f.now);
    f.say(socket, "[\"1\",\"1\",\"" + topic + "\",\"phx_join\",{}]");
    f.make_live();
    f.answer(0);
    f.say(socket, "[\"1\",\"2\",\"" + topic + "\",\"draw\",{}]");
    CHECK(f.heard(socket).size() == 1);
    backend::Action action;
    action.kind = backend::Action::Kind::broadcast;
    action.event = "drawn";
    action.payload = std::string("\x00\xff", 2);
    action.is_binary = true;
    f.answer(1, with({action}));
    const auto heard = f.heard(socket);
    REQUIRE_FALSE(heard.empty());
    CHECK(heard[0] ==
          "[null,null,\"" + topic + "\",\"drawn\"," + json_of_bytes(action.payload) + "]");
}

TEST_CASE("a leave of an earlier join ends nothing, however much waits") {
    Fixture f;
    const auto socket = f.joined();
    f.say(socket, R"(["1","2","room:a","echo",{}])");
    for (std::size_t i = 0; i < limits::held_frames_max; ++i) {
        f.say(socket, R"(["1","3","room:a","echo",{}])");
    }
    f.say(socket, R"(["0","4","room:a","phx_leave",{}])");
    CHECK(f.outlet.taken_back.empty());
    CHECK(f.hub.channels().channel_count() == 1);
    f.answer(1);
    CHECK(f.outlet.asked.size() == 3);
}
