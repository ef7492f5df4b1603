#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "daemon/core/group.hpp"
#include "tests/unit/group_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

const Bucket bucket_1 = bucket_of("room:1");
const Origin self{1, 0}, two{2, 0}, dead{9, 0};

group::HistoryAnswer answer_to(GroupFixture& f, const group::HistoryQuestion& question) {
    (void)f.take_answers();
    f.ask(question);
    const auto answers = f.take_answers();
    REQUIRE(answers.size() == 1);
    REQUIRE(std::holds_alternative<group::HistoryAnswer>(answers[0]));
    return std::get<group::HistoryAnswer>(answers[0]);
}

Numbers numbers_of(const group::HistoryAnswer& answer) {
    Numbers numbers;
    for (const auto& kept : answer.messages) {
        const auto message = Broadcast::parse(kept.wire);
        REQUIRE(message);
        numbers.push_back((*message)->number());
    }
    return numbers;
}

GroupConfig settled(const HistoryLimit& limit) {
    GroupConfig config = with_history({{"10.0.0.2", 7370}}, limit);
    config.settle_least = config.settle_most = 0s;
    return config;
}

struct Asking : GroupFixture {
    Asking() : GroupFixture(settled({100, 1h})) {
        meet();
        join("room:1", {2}, {{0, bucket_1, 5}});
        group.on_resume(0, 1, "room:1", Positions{{two, 0}}, now);
        const auto questions = take_asked<group::HistoryQuestion>();
        REQUIRE(questions.size() == 1);
        serial = questions[0].serial;
    }
    const Replay& answered(std::vector<group::Coverage> coverage,
                           std::vector<BroadcastRef> messages) {
        group::HistoryAnswer answer{serial, std::move(coverage), {}};
        for (const auto& message : messages) {
            answer.messages.push_back({1, std::string(message->wire())});
        }
        reply(answer);
        REQUIRE_FALSE(is_waiting(1));
        return outlet.replays.at(1);
    }
    std::uint64_t serial = 0;
};

}  // namespace

TEST_CASE("who asks for a topic's history is told the messages, their ages, and how complete") {
    GroupFixture f(settled({100, 1h}));
    f.meet();
    f.join("room:1", {2}, {{0, bucket_1, 5}});
    f.publish_here(1);
    f.now += 2s;
    f.hear(6);
    f.publish_here(2);
    f.publish_here(1, "room:2");
    f.now += 1s;
    const auto answer = answer_to(f, {7, "room:1", 100});
    CHECK(answer.serial == 7);
    CHECK(numbers_of(answer) == Numbers{1, 6, 2});
    CHECK(answer.messages[0].age_ms == 3000);
    CHECK(answer.messages[1].age_ms == 1000);
    CHECK(answer.coverage == std::vector<group::Coverage>{{self, 0, 2, {}}, {two, 5, 6, {}}});
}

TEST_CASE("of more than was asked for the newest are told, the others are as good as not kept") {
    GroupFixture f(settled({100, 1h}));
    for (std::uint64_t number = 1; number <= 5; ++number) {
        f.publish_here(number);
        f.now += 1s;
    }
    const auto answer = answer_to(f, {7, "room:1", 2});
    CHECK(numbers_of(answer) == Numbers{4, 5});
    CHECK(answer.coverage == std::vector<group::Coverage>{{self, 3, 5, 3000}});
    const auto none = answer_to(f, {8, "room:1", 0});
    CHECK(none.messages.empty());
    CHECK(none.coverage == std::vector<group::Coverage>{{self, 5, 5, 1000}});
}

TEST_CASE("a message that was evicted raises what is told as the floor, with its age") {
    GroupFixture f(settled({2, 1h}));
    for (std::uint64_t number = 1; number <= 5; ++number) {
        f.publish_here(number);
        f.now += 1s;
    }
    CHECK(answer_to(f, {7, "room:1", 100}).coverage ==
          std::vector<group::Coverage>{{self, 3, 5, 3000}});
}

TEST_CASE("of a topic without history it is told that nothing is kept") {
    GroupFixture f;
    f.publish_here(1);
    const auto answer = answer_to(f, {7, "room:1", 100});
    CHECK(answer.messages.empty());
    CHECK(answer.coverage == std::vector<group::Coverage>{{self, 1, 1, {}}});
    CHECK(answer_to(f, {8, "room:9", 100}).coverage ==
          std::vector<group::Coverage>{{self, 0, 0, {}}});
}

TEST_CASE("what is told of a history of big messages fits a message between nodes") {
    GroupFixture f(settled({100, 1h}));
    const std::string payload = "{\"x\":\"" + std::string(900'000, 'x') + "\"}";
    for (std::uint64_t number = 1; number <= 40; ++number) {
        f.publish_here(number, "room:1", payload);
    }
    const auto answer = answer_to(f, {7, "room:1", 100});
    const auto numbers = numbers_of(answer);
    REQUIRE_FALSE(numbers.empty());
    CHECK(numbers.back() == 40);
    CHECK(answer.coverage[0].floor == numbers.front() - 1);
}

TEST_CASE("what is told of a history of very many small messages fits a message between nodes") {
    GroupFixture f(settled({1'000'000, 1h}));
    for (std::uint64_t number = 1; number <= 100'000; ++number) f.publish_here(number);
    const auto answer = answer_to(f, {7, "room:1", 1'000'000});
    const auto numbers = numbers_of(answer);
    REQUIRE_FALSE(numbers.empty());
    CHECK(numbers.back() == 100'000);
    CHECK(answer.coverage[0].floor == numbers.front() - 1);
}

TEST_CASE("what is known of a dead origin by hearsay is passed on") {
    Asking f;
    f.answered({{two, 0, 5, {}}, {dead, 1, 3, 5000}},
               {made(dead, 2, "room:1"), made(dead, 3, "room:1")});
    const auto answer = answer_to(f, {7, "room:1", 100});
    CHECK(numbers_of(answer) == Numbers{2, 3});
    REQUIRE(answer.coverage.size() == 3);
    CHECK(answer.coverage[2] == group::Coverage{dead, 1, 3, 5000});
}

TEST_CASE("an answer about history that was not asked for is not taken") {
    Asking f;
    f.reply(group::HistoryAnswer{f.serial + 1, {{two, 0, 5, {}}}, {}});
    CHECK(f.is_waiting(1));
    f.answered({{two, 0, 5, {}}}, {});
    f.reply(group::HistoryAnswer{f.serial, {{dead, 0, 5, {}}}, {}});  // twice
    CHECK_FALSE(f.resume(Positions{{dead, 5}}, 2).is_recovered);
}

TEST_CASE("of an answer about history only what it covers is taken") {
    Asking f;
    const auto& replay =
        f.answered({{two, 2, 5, {}}, {dead, 4, 3, {}}},
                   {made(two, 1, "room:1"), made(two, 3, "room:1"), made(two, 6, "room:1"),
                    made(two, 4, "room:2"), made(dead, 1, "room:1"), made({8, 0}, 1, "room:1")});
    CHECK(test::numbers_of(replay.messages) == Numbers{3});
    CHECK_FALSE(replay.is_recovered);
    CHECK(replay.positions == Positions{{self, 0}, {two, 2}});
}

TEST_CASE("nobody tells a node what it has published itself") {
    Asking f;
    f.publish_here(1);
    const auto& replay = f.answered({{self, 0, 9, {}}, {two, 0, 5, {}}},
                                    {made(self, 1, "room:1"), made(self, 9, "room:1")});
    CHECK(test::numbers_of(replay.messages) == Numbers{1});
    CHECK(replay.positions == Positions{{self, 0}, {two, 5}});
}

TEST_CASE("messages of an answer that are none do no harm to the others") {
    Asking f;
    group::HistoryAnswer answer{f.serial, {{two, 0, 5, {}}}, {}};
    answer.messages.push_back({1, "x"});
    answer.messages.push_back({1, ""});
    answer.messages.push_back({UINT32_MAX, std::string(made(two, 1, "room:1")->wire())});
    answer.messages.push_back({1, std::string(made(two, 5, "room:1")->wire())});
    f.reply(answer);
    REQUIRE_FALSE(f.is_waiting(1));
    CHECK(f.outlet.replays.at(1).messages.back()->number() == 5);
}

TEST_CASE("of a bucket that was left and is wanted again the history is fetched again") {
    Asking f;
    f.answered({{two, 0, 5, {}}}, {made(two, 5, "room:1")});
    f.group.on_release(0, bucket_1, f.now);
    f.run_alive(31s);
    CHECK(f.group.history().size() == 0);
    f.join("room:1", {2}, {{0, bucket_1, 9}});
    f.group.on_resume(0, 2, "room:1", Positions{{two, 5}}, f.now);
    CHECK(f.is_waiting(2));
    CHECK(f.take_asked<group::HistoryQuestion>().size() == 1);
}

TEST_CASE("a message that its publisher repeated here is kept once") {
    GroupFixture f(settled({100, 1h}));
    f.group.on_local(made(self, 1, "room:1", "{}", "x"), f.now);
    f.group.on_local(made({1, 3}, 1, "room:1", "{}", "x"), f.now);
    CHECK(f.group.history().size() == 1);
    CHECK(f.outlet.broadcasts.size() == 2);
}
