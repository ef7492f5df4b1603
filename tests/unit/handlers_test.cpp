#include "daemon/core/handlers.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace roost;
using namespace std::chrono_literals;
using backend::Kind;

namespace {

using Ended = backend::Outcome::Kind;
using Asks = std::vector<std::uint64_t>;

struct Outlet : HandlersOutlet {
    bool to_worker(const std::string& route, std::string_view bytes) override {
        if (dead.contains(route)) return false;
        const auto answer = control::decode_answer(bytes);
        REQUIRE(answer);
        if (const auto* request = std::get_if<control::Asked>(&answer->body)) {
            asked[route].push_back(request->request);
            last = *request;
        } else {
            ++beats[route];
        }
        return true;
    }
    bool to_peer(Incarnation peer, const control::Asked& request) override {
        if (unreachable.contains(peer)) return false;
        peers[peer].push_back(request.request);
        last = request;
        return true;
    }
    void backend_answered(const BackendAsker& asker, backend::Outcome outcome) override {
        INFO("request " << asker.id);
        REQUIRE(ended.emplace(asker.id, outcome).second);
    }
    void note(const Fact& fact) override { ++facts[fact.kind]; }

    std::set<std::string> dead;
    std::set<Incarnation> unreachable;
    std::map<Incarnation, Asks> peers;
    std::map<std::string, Asks> asked;
    std::map<std::string, int> beats;
    std::map<std::uint64_t, backend::Outcome> ended;
    std::map<FactKind, int> facts;
    control::Asked last;
};

struct Fixture {
    void work(const std::string& route, std::vector<std::string> patterns,
              std::uint64_t credit = 10) {
        handlers.on_handle(route, 1, {std::move(patterns), {Kind::join, Kind::push}, credit}, now);
    }
    // The number by which its end is known.
    std::uint64_t ask(const std::string& topic = "room:1", Kind kind = Kind::push,
                      const std::string& payload = "{}") {
        backend::Request request;
        request.kind = kind;
        request.topic = topic;
        request.payload = payload;
        handlers.on_request({0, ++last_asked}, request, now);
        return last_asked;
    }
    std::string respond(const std::string& route, std::uint64_t request,
                        const backend::Response& response = {}) {
        return handlers.on_respond(route, {request, response}, now);
    }
    void run_for(Duration duration, const std::set<std::string>& heard = {}) {
        for (const Time end = now + duration; now < end;) {
            now += 50ms;
            for (const auto& route : heard) handlers.on_heard(route, now);
            handlers.tick(now);
        }
    }
    bool is_open(std::uint64_t asked) const { return !outlet.ended.contains(asked); }
    Ended end_of(std::uint64_t asked) const {
        REQUIRE(outlet.ended.contains(asked));
        return outlet.ended.at(asked).kind;
    }

    static HandlersConfig config() {
        HandlersConfig config;
        config.waiting_max = 3;
        config.payload_bytes_max = 1000;
        return config;
    }

    Time now{1h};
    Outlet outlet;
    Handlers handlers{config(), outlet, now};
    std::uint64_t last_asked = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a request goes to a worker, and its answer to who asked") {
    work("one", {"room:*"});
    CHECK(outlet.beats["one"] == 1);
    const auto asked = ask();
    REQUIRE(outlet.asked["one"] == Asks{1});
    CHECK(outlet.last.about.topic == "room:1");
    CHECK(outlet.last.about.deadline_ms == 5000);
    CHECK(handlers.outstanding_count() == 1);
    backend::Response response;
    response.payload = R"({"a":1})";
    CHECK(respond("one", 1, response).empty());
    CHECK(outlet.ended.at(asked) == backend::Outcome{Ended::answered, response});
    CHECK(handlers.outstanding_count() == 0);
}

TEST_CASE_METHOD(Fixture, "the most specific pattern takes it, of its workers the least busy") {
    work("any", {"*"});
    work("one", {"room:*"});
    work("two", {"room:*"});
    work("exact", {"room:9"});
    ask("room:9");
    ask("lobby");
    CHECK(outlet.asked["exact"] == Asks{1});
    CHECK(outlet.asked["any"] == Asks{2});
    for (int i = 0; i < 4; ++i) ask("room:1");
    CHECK(outlet.asked["one"] == Asks{3, 5});
    CHECK(outlet.asked["two"] == Asks{4, 6});
    // The one that has answered has the least to do.
    CHECK(respond("two", 4).empty());
    ask("room:1");
    CHECK(outlet.asked["two"] == Asks{4, 6, 7});
}

TEST_CASE_METHOD(Fixture, "a worker has no more than its credit; the oldest that waits is next") {
    work("one", {"room:*"}, 2);
    for (int i = 0; i < 5; ++i) ask();
    CHECK(outlet.asked["one"] == Asks{1, 2});
    CHECK(handlers.waiting_count() == 3);
    CHECK(end_of(ask()) == Ended::unavailable);  // three may wait
    CHECK(respond("one", 2).empty());
    CHECK(outlet.asked["one"] == Asks{1, 2, 3});
    work("two", {"room:*"}, 1);
    CHECK(outlet.asked["two"] == Asks{4});
}

TEST_CASE_METHOD(Fixture, "what waits too long was seen by nobody, what was handed over is late") {
    work("one", {"room:*"}, 1);
    const auto handed = ask(), waiting = ask();
    run_for(4900ms, {"one"});
    CHECK(is_open(handed));
    run_for(200ms, {"one"});
    CHECK(end_of(handed) == Ended::late);
    CHECK(end_of(waiting) == Ended::unavailable);
    // The worker still has the first: it is not given more than it can do.
    const auto next = ask();
    CHECK(outlet.asked["one"] == Asks{1});
    CHECK(respond("one", 1).empty());
    CHECK(outlet.asked["one"].size() == 2);
    CHECK(is_open(next));
}

TEST_CASE_METHOD(Fixture, "a late request gives its credit back in the end") {
    work("one", {"room:*"}, 1);
    ask();
    run_for(70s, {"one"});
    CHECK(handlers.outstanding_count() == 0);
    ask();
    CHECK(outlet.asked["one"].size() == 2);
    CHECK_FALSE(respond("one", 1).empty());
}

TEST_CASE_METHOD(Fixture,
                 "without a worker requests wait for one that comes back, but not for ever") {
    const auto early = ask();  // the node has just started
    run_for(1s);
    work("one", {"room:*"});
    CHECK(outlet.asked["one"] == Asks{1});
    CHECK(respond("one", 1).empty());
    CHECK(end_of(early) == Ended::answered);

    handlers.on_unhandle("one", {1}, now);
    CHECK(handlers.worker_count() == 0);
    const auto between = ask();
    run_for(1s);
    work("two", {"room:*"});
    CHECK(outlet.asked["two"] == Asks{2});
    CHECK(is_open(between));

    outlet.dead.insert("two");
    run_for(6100ms);
    CHECK(end_of(between) == Ended::failed);
    CHECK(end_of(ask()) == Ended::unavailable);  // at once
    CHECK(end_of(ask("lobby")) == Ended::unavailable);
}

TEST_CASE_METHOD(Fixture, "a worker that leaves still answers what it has") {
    work("one", {"room:*"});
    const auto asked = ask();
    handlers.on_unhandle("one", {1}, now);
    const auto next = ask();
    CHECK(outlet.asked["one"] == Asks{1});
    CHECK(respond("one", 1).empty());
    CHECK(end_of(asked) == Ended::answered);
    CHECK(is_open(next));
    CHECK(handlers.worker_count() == 0);
}

TEST_CASE_METHOD(Fixture,
                 "what a dead worker had has failed, what it could not be handed goes on") {
    work("one", {"room:*"});
    work("two", {"room:*"});
    const auto first = ask();
    outlet.dead.insert("two");
    const auto second = ask();  // for "two", which has nothing to do
    CHECK(outlet.asked["one"] == Asks{1, 2});
    CHECK(handlers.counters().handed_again == 1);
    outlet.dead.insert("one");
    run_for(1100ms);  // the next beat
    CHECK(end_of(first) == Ended::failed);
    CHECK(end_of(second) == Ended::failed);
    CHECK(outlet.facts[FactKind::worker_lost] == 2);
}

TEST_CASE_METHOD(Fixture, "a worker that is silent is gone, and may come back") {
    work("one", {"room:*"});
    const auto asked = ask();
    run_for(4s, {"one"});
    CHECK(is_open(asked));
    run_for(6100ms);
    CHECK(end_of(asked) != Ended::answered);
    CHECK(handlers.worker_count() == 0);
    work("one", {"room:*"});
    CHECK_FALSE(respond("one", 1).empty());  // it was given up
    ask();
    CHECK(outlet.asked["one"] == Asks{1, 2});
}

TEST_CASE_METHOD(Fixture, "who asked may take it back until it is handed over") {
    work("one", {"room:*"}, 1);
    const auto handed = ask(), waiting = ask();
    handlers.on_cancel({0, handed});
    handlers.on_cancel({0, waiting});
    CHECK(is_open(handed));
    CHECK(end_of(waiting) == Ended::cancelled);
    CHECK(respond("one", 1).empty());
    CHECK(end_of(handed) == Ended::answered);
    CHECK(outlet.asked["one"] == Asks{1});
}

TEST_CASE_METHOD(Fixture, "an answer that is none ends the request, and says why") {
    work("one", {"room:*"});
    work("two", {"room:*"});
    const auto asked = ask();
    CHECK_FALSE(respond("two", 1).empty());  // another's
    CHECK(is_open(asked));
    backend::Response response;
    response.payload = "{";
    CHECK(respond("one", 1, response).find("payload must be JSON") == 0);
    CHECK(end_of(asked) == Ended::failed);
    const auto big = ask();
    response.payload = '"' + std::string(1000, 'x') + '"';
    CHECK(respond("two", 2, response) == "the payloads have 1002 bytes; the node takes 1000");
    CHECK(end_of(big) == Ended::failed);
}

TEST_CASE_METHOD(Fixture, "kinds are told apart") {
    handlers.on_handle("one", 1, {{"*"}, {Kind::join}, 10}, now);
    handlers.on_handle("two", 1, {{"*"}, {Kind::connect}, 10}, now);
    ask("room:1", Kind::join);
    ask("", Kind::connect);
    CHECK(outlet.asked["one"] == Asks{1});
    CHECK(outlet.asked["two"] == Asks{2});
    run_for(6s, {"one", "two"});
    CHECK(end_of(ask("room:1", Kind::push)) == Ended::unavailable);
}

TEST_CASE_METHOD(Fixture, "a more specific worker takes over what waits") {
    work("any", {"*"}, 1);
    ask();
    const auto waiting = ask();
    work("one", {"room:*"});
    CHECK(outlet.asked["one"] == Asks{2});
    CHECK(is_open(waiting));
}

TEST_CASE_METHOD(Fixture, "without a worker here the backends of another node decide") {
    const std::vector<BackendLane> rooms{{Kind::join, "room:*"}, {Kind::push, "room:*"}};
    handlers.on_offer(7, rooms, now);
    const auto first = ask();
    CHECK(outlet.peers[7] == Asks{1});
    CHECK(outlet.last.about.topic == "room:1");
    CHECK(handlers.offered().empty());
    handlers.on_peer_decided(8, 1, {Ended::answered, {}}, now);  // it was not asked
    CHECK(is_open(first));
    handlers.on_peer_decided(7, 1, {Ended::answered, {}}, now);
    CHECK(end_of(first) == Ended::answered);
    handlers.on_peer_decided(7, 1, {Ended::answered, {}}, now);  // once is enough

    work("one", {"room:*"}, 1);
    CHECK(handlers.offered() == rooms);
    ask();
    const auto waiting = ask();
    CHECK(outlet.asked["one"] == Asks{2});
    CHECK(outlet.peers[7] == Asks{1});
    // The last worker goes: what waited for it is for the other node.
    handlers.on_unhandle("one", {1}, now);
    run_for(50ms);
    CHECK(outlet.peers[7] == Asks{1, 3});
    handlers.on_peer_gone(7, now);
    CHECK(end_of(waiting) == Ended::failed);
}

TEST_CASE_METHOD(Fixture, "a node whose workers are gone is followed by the next, then by nobody") {
    handlers.on_offer(7, {{Kind::push, "room:*"}}, now);
    handlers.on_offer(8, {{Kind::push, "room:*"}}, now);
    outlet.unreachable.insert(8);
    const auto asked = ask();
    CHECK(outlet.peers[7] == Asks{1});
    outlet.unreachable.clear();
    handlers.on_offer(8, {{Kind::push, "room:*"}}, now);
    handlers.on_peer_decided(7, 1, {Ended::unavailable, {}}, now);
    CHECK(outlet.peers[8] == Asks{1});
    CHECK(outlet.last.about.topic == "room:1");
    handlers.on_peer_decided(8, 1, {Ended::unavailable, {}}, now);
    CHECK(is_open(asked));  // one may come
    run_for(5s);
    CHECK(end_of(asked) == Ended::unavailable);
    CHECK(handlers.waiting_count() == 0);
}

TEST_CASE_METHOD(Fixture, "for another node's client only workers of this node decide") {
    handlers.on_offer(8, {{Kind::push, "room:*"}}, now);
    backend::Request request;
    request.kind = Kind::push;
    request.topic = "room:1";
    request.deadline_ms = 1000;
    handlers.on_request({0, 50, "peer"}, request, now);
    CHECK(end_of(50) == Ended::unavailable);
    work("one", {"room:*"});
    handlers.on_request({0, 51, "peer"}, request, now);
    CHECK(outlet.asked["one"] == Asks{1});
    CHECK(outlet.peers.empty());
    run_for(1s, {"one"});
    CHECK(end_of(51) == Ended::late);
}

// Workers that answer, stall, die unseen, leave and come back, in any order.
TEST_CASE("whatever workers do, every request ends once, and nothing is left of it") {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        INFO("seed " << seed);
        Fixture f;
        std::mt19937 random(seed);
        const auto pick = [&](unsigned below) { return random() % below; };
        const std::vector<std::string> names{"a", "b", "c", "d"};
        const std::vector<std::vector<std::string>> patterns{{"room:*"}, {"*"}, {"room:1", "x"}};
        std::map<std::string, std::set<std::uint64_t>> had;
        std::size_t served = 0;
        for (int step = 0; step < 400; ++step) {
            const std::string& name = names[pick(4)];
            switch (pick(12)) {
                case 0: f.outlet.dead.insert(name); break;
                case 1:
                    f.outlet.dead.erase(name);
                    f.work(name, patterns[pick(3)], 1 + pick(3));
                    break;
                case 2: f.handlers.on_unhandle(name, {1}, f.now); break;
                case 3: f.handlers.on_cancel({0, 1 + pick(200)}); break;
                case 4: f.run_for(std::chrono::milliseconds(50 * pick(60))); break;
                case 9: f.handlers.on_offer(pick(2), {{Kind::push, "room:*"}}, f.now); break;
                case 10:
                    if (pick(4) == 0) f.handlers.on_peer_gone(pick(2), f.now);
                    f.outlet.unreachable =
                        pick(2) == 0 ? std::set<Incarnation>{0} : std::set<Incarnation>{};
                    break;
                case 11:
                    if (auto& asks = f.outlet.peers[pick(2)]; !asks.empty()) {
                        const auto peer = asks.back() % 2;  // it may be the other's
                        const auto kind = pick(3) == 0 ? Ended::unavailable : Ended::answered;
                        f.handlers.on_peer_decided(peer, asks.back(), {kind, {}}, f.now);
                        if (kind == Ended::answered) ++served;
                    }
                    break;
                case 5:
                case 6:
                    f.ask(pick(2) == 0 ? "room:1" : "room:2",
                          pick(2) == 0 ? Kind::join : Kind::push);
                    break;
                default:
                    // The oldest that it has, be it given up or not.
                    if (auto& asks = f.outlet.asked[name]; had[name].size() < asks.size()) {
                        const auto number = asks[had[name].size()];
                        had[name].insert(number);
                        if (f.respond(name, number).empty()) ++served;
                    }
            }
            REQUIRE(f.handlers.waiting_count() <= 2 * 5 * f.config().waiting_max);
        }
        f.outlet.dead = {names.begin(), names.end()};
        f.handlers.on_peer_gone(0, f.now);
        f.handlers.on_peer_gone(1, f.now);
        f.run_for(70s);
        REQUIRE(f.outlet.ended.size() == f.last_asked);
        CHECK(f.handlers.waiting_count() == 0);
        CHECK(f.handlers.outstanding_count() == 0);
        CHECK(f.handlers.worker_count() == 0);
        // Each was handed to one worker at most.
        std::set<std::uint64_t> handed;
        for (const auto& [name, asks] : f.outlet.asked) {
            for (const auto number : asks) CHECK(handed.insert(number).second);
        }
        std::size_t answered = 0;
        for (const auto& [number, outcome] : f.outlet.ended) {
            if (outcome.kind == Ended::answered) ++answered;
        }
        CHECK(answered <= served);
    }
}

TEST_CASE_METHOD(Fixture, "what was asked by the node before is answered to nobody") {
    HandlersConfig later = config();
    later.numbers_from = 1ULL << 32;
    Handlers restarted(later, outlet, now);
    restarted.on_handle("one", 1, {{"room:*"}, {Kind::push}, 10}, now);
    backend::Request request;
    request.kind = Kind::push;
    request.topic = "room:1";
    restarted.on_request({0, 1}, request, now);
    REQUIRE(outlet.asked["one"] == Asks{later.numbers_from + 1});
    CHECK(restarted.on_respond("one", {1, {}}, now) ==
          "request 1 is none of this worker's, or was given up");
    CHECK(is_open(1));
    CHECK(restarted.on_respond("one", {later.numbers_from + 1, {}}, now).empty());
    CHECK(end_of(1) == Ended::answered);
}

TEST_CASE_METHOD(Fixture, "an answer that cannot be read fails its request and frees its credit") {
    work("one", {"room:*"}, 1);
    const auto first = ask(), second = ask();
    CHECK(handlers.on_respond("one", {1, {}, "payload must be a string or bytes"}, now) ==
          "payload must be a string or bytes");
    CHECK(end_of(first) == Ended::failed);
    CHECK(is_open(second));
    CHECK(outlet.asked["one"] == Asks{1, 2});
}

TEST_CASE_METHOD(Fixture, "workers that a node stood still for are not lost") {
    work("one", {"room:*"});
    const auto asked = ask();
    now += 4s;
    handlers.tick(now);
    now += 20s;
    handlers.tick(now);
    CHECK(handlers.worker_count() == 1);
    CHECK(end_of(asked) == Ended::late);
    run_for(6s);
    CHECK(handlers.worker_count() == 0);
}

TEST_CASE_METHOD(Fixture, "the handlers of a connection and the patterns of a node are bounded") {
    const control::Handle small{{"a*"}, {Kind::push}, 10};
    for (std::uint64_t id = 1; id <= 16; ++id) {
        REQUIRE(handlers.why_not_handle("one", id, small).empty());
        handlers.on_handle("one", id, small, now);
    }
    CHECK(handlers.why_not_handle("one", 17, small) == "one connection has at most 16 handlers");
    CHECK(handlers.why_not_handle("one", 16, small).empty());
    CHECK(handlers.why_not_handle("two", 1, small).empty());
    control::Handle large{{}, {Kind::join, Kind::push}, 10};
    for (int i = 0; i < 2048; ++i) large.patterns.push_back("room:" + std::to_string(i));
    CHECK_THAT(handlers.why_not_handle("two", 1, large),
               Catch::StartsWith("all workers of a node"));
}
