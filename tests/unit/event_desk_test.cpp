#include "daemon/core/event_desk.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace roost;
using namespace std::chrono_literals;
using Kind = Happening::Kind;

namespace {

const SessionId anna{{0x1f, 0}, 1}, ben{{0x1f, 1}, 1};

struct Fixture {
    explicit Fixture(std::size_t bytes_max = 16'000'000) : config{true, bytes_max} {}

    void happen(Kind kind, SessionId session, std::string topic = {}, std::uint64_t join = 0) {
        std::vector<Happening> one;
        one.push_back(
            {.kind = kind, .session = session, .user = "u1", .topic = topic, .join = join});
        desk.on_happenings(std::move(one), now);
    }
    void ask(control::Events verb, const std::string& route = "one") {
        desk.on_question(route, ++id, verb, now);
    }
    template <class Body>
    Body answer() {
        REQUIRE(answers.size() == 1);
        const auto [route, answer] = std::exchange(answers, {}).front();
        // As it comes out at the other end of the wire.
        const auto read = control::decode_answer(control::encode(answer));
        REQUIRE(read);
        CHECK(*read == answer);
        REQUIRE(std::holds_alternative<Body>(read->body));
        return std::get<Body>(read->body);
    }
    std::vector<std::string> kinds(const control::EventBatch& batch) {
        std::vector<std::string> found;
        for (const auto& event : batch.events) {
            found.push_back(std::to_string(event.number) + " " + event.kind);
        }
        return found;
    }

    Time now{1h};
    std::uint64_t id = 0;
    EventDeskConfig config;
    std::vector<std::pair<std::string, control::Answer>> answers;
    EventDesk desk{config, 0x1f, "web-1",
                   [this](const std::string& route, const control::Answer& answer) {
                       answers.emplace_back(route, answer);
                   }};
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a consumer begins now, and goes on after its cursor") {
    Fixture f;
    f.happen(Kind::connected, anna);
    f.ask({"", 1000, 5000});
    const auto begin = f.answer<control::EventBatch>();
    CHECK(begin.cursor == "000000000000001f/1");
    CHECK(begin.events.empty());
    CHECK_FALSE(begin.is_gap);

    f.happen(Kind::joined, anna, "room:1", 1);
    f.happen(Kind::left, anna, "room:1", 1);
    f.happen(Kind::disconnected, anna);
    f.ask({begin.cursor, 2, 0});
    const auto first = f.answer<control::EventBatch>();
    CHECK(f.kinds(first) == Texts{"2 joined", "3 topic_occupied"});
    CHECK(first.events[0].session == "000000000000001f.0-1");
    CHECK(first.events[0].user == "u1");
    CHECK(first.events[0].topic == "room:1");
    CHECK(first.events[0].join == 1);
    f.ask({first.cursor, 1000, 0});
    const auto second = f.answer<control::EventBatch>();
    CHECK(f.kinds(second) == Texts{"4 left", "5 topic_vacated", "6 disconnected"});
    f.ask({second.cursor, 1000, 0});
    CHECK(f.answer<control::EventBatch>().events.empty());
}

TEST_CASE("a question waits for the first event, and not for ever") {
    Fixture f;
    f.ask({"000000000000001f/0", 1000, 5000});
    CHECK(f.answers.empty());
    f.happen(Kind::connected, anna);
    CHECK(f.kinds(f.answer<control::EventBatch>()) == Texts{"1 connected"});

    f.ask({"000000000000001f/1", 1000, 5000});
    f.now += 4999ms;
    f.desk.tick(f.now);
    CHECK(f.answers.empty());
    f.now += 1ms;
    f.desk.tick(f.now);
    const auto none = f.answer<control::EventBatch>();
    CHECK(none.events.empty());
    CHECK(none.cursor == "000000000000001f/1");
    f.happen(Kind::connected, ben);
    CHECK(f.answers.empty());
}

TEST_CASE("what the log has dropped, and another incarnation, is a gap") {
    Fixture f(2000);
    for (int i = 0; i < 100; ++i) f.happen(Kind::connected, {{0x1f, 0}, 10U + unsigned(i)});
    REQUIRE(f.desk.log().dropped() > 0);
    CHECK(f.desk.log().bytes() <= 2000);
    const auto first = f.desk.log().first();
    for (const char* cursor :
         {"000000000000001f/3", "00000000000000aa/90", "000000000000001f/999"}) {
        f.ask({cursor, 1000, 0});
        const auto batch = f.answer<control::EventBatch>();
        CHECK(batch.is_gap);
        REQUIRE_FALSE(batch.events.empty());
        CHECK(batch.events.front().number == first);
        CHECK(batch.events.back().number == 100);
    }
    f.ask({f.desk.log().cursor(first - 1), 1000, 0});
    CHECK_FALSE(f.answer<control::EventBatch>().is_gap);
}

TEST_CASE("what is no cursor is refused") {
    Fixture f;
    for (const char* wrong :
         {"1", "000000000000001f/", "000000000000001f/-1", "000000000000001f/1x",
          "00000000000000 f/1", "/", "000000000000001f.1"}) {
        f.ask({wrong, 1000, 0});
        CHECK(f.answer<control::Refused>().code == "bad_request");
    }
}

TEST_CASE("the sessions are those of the cursor, by user, and page by page") {
    Fixture f;
    f.happen(Kind::connected, anna);
    f.happen(Kind::connected, ben);
    f.happen(Kind::joined, ben, "room:1", 7);
    f.now += 3s;
    f.desk.on_question("one", 1, control::Sessions{"", "u1"}, f.now);
    const auto both = f.answer<control::SessionList>();
    CHECK(both.cursor == "000000000000001f/4");
    CHECK(both.node == "web-1");
    REQUIRE(both.sessions.size() == 2);
    CHECK(both.sessions[1] == control::SessionRow{text_of(ben), "u1", "", 3000, {{"room:1", 7}}});
    f.desk.on_question("one", 2, control::Sessions{text_of(anna), ""}, f.now);
    CHECK(f.answer<control::SessionList>().sessions.size() == 1);
    f.desk.on_question("one", 3, control::Sessions{"", "u2"}, f.now);
    CHECK(f.answer<control::SessionList>().sessions.empty());
    f.desk.on_question("one", 4, control::Sessions{"nobody", ""}, f.now);
    CHECK(f.answer<control::Refused>().code == "bad_request");
}

TEST_CASE("a topic is occupied by its first channel and vacated by its last") {
    Fixture f;
    f.happen(Kind::connected, anna);
    f.happen(Kind::joined, anna, "room:1", 1);
    f.happen(Kind::joined, anna, "room:1", 2);  // a join beside the old one, which ends after it
    f.happen(Kind::left, anna, "room:1", 1);
    f.happen(Kind::left, anna, "room:1", 2);
    f.ask({"000000000000001f/0", 1000, 0});
    CHECK(f.kinds(f.answer<control::EventBatch>()) == Texts{"1 connected", "2 joined",
                                                            "3 topic_occupied", "4 joined",
                                                            "5 left", "6 left", "7 topic_vacated"});
}
