#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "daemon/core/group.hpp"
#include "tests/unit/group_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

const Bucket bucket_1 = bucket_of("room:1");
const Origin self{1, 0}, two{2, 0}, three{3, 0}, dead{9, 0};
const HistoryLimit many{100, 1h};

group::HistoryAnswer::Kept row(const Origin& origin, std::uint64_t number,
                               std::uint64_t age_ms = 1000, std::string_view id = {}) {
    return {age_ms, std::string(made(origin, number, "room:1", "{}", id)->wire())};
}

// A node that has settled: it knows its peers `two` and `three` (contacts 1 and 2).
struct Fixture : GroupFixture {
    explicit Fixture(std::size_t peers = 1, const HistoryLimit& limit = many)
        : GroupFixture(config(peers, limit)) {
        meet();
        if (peers > 1) meet(other(3, "three"), 2);
    }
    static GroupConfig config(std::size_t peers, const HistoryLimit& limit) {
        std::vector<Endpoint> known{{"10.0.0.2", 7370}, {"10.0.0.3", 7370}};
        known.resize(peers);
        GroupConfig made = with_history(std::move(known), limit);
        made.settle_least = made.settle_most = 0s;
        return made;
    }
    // Somebody is in the topic, in which the streams of the peers stand there.
    void join_at(std::uint64_t number, std::vector<Incarnation> peers = {2}) {
        std::vector<group::StreamMark> marks;
        if (number > 0) marks.push_back({0, bucket_1, number});
        join("room:1", std::move(peers), marks);
    }
    std::vector<group::HistoryQuestion> questions(ContactId contact = 1) {
        return take_asked<group::HistoryQuestion>(contact);
    }
    // Has to be asked; the serial to be answered with.
    std::uint64_t asked(const Since& since, Ticket ticket = 1, ContactId contact = 1) {
        group.on_resume(0, ticket, "room:1", since, now);
        CHECK(is_waiting(ticket));
        const auto found = questions(contact);
        REQUIRE(found.size() == 1);
        CHECK(found[0].topic == "room:1");
        return found[0].serial;
    }
    const Replay& told(Ticket ticket = 1) const {
        REQUIRE_FALSE(is_waiting(ticket));
        return outlet.replays.at(ticket);
    }
};

}  // namespace

TEST_CASE("a client that knows everything is told at once, and nobody is asked") {
    Fixture f;
    f.join_at(0);
    for (const std::uint64_t number : {1U, 2U, 3U}) f.hear(number);
    f.publish_here(1);
    const auto& replay = f.resume(Positions{{two, 3}, {self, 1}});
    CHECK(replay.is_recovered);
    CHECK(replay.messages.empty());
    CHECK(replay.positions == Positions{{self, 1}, {two, 3}});
    CHECK(replay.ahead.empty());
    CHECK(f.questions().empty());
    CHECK(f.group.counters().resumes == 1);
    CHECK(f.group.counters().resumes_recovered == 1);
}

TEST_CASE("what a client missed is told in the order in which it came") {
    Fixture f;
    f.join_at(0);
    f.hear(1);
    f.publish_here(1);
    f.hear(2);
    f.publish_here(2);
    f.hear(3);
    const auto& replay = f.resume(Positions{{two, 1}, {self, 0}});
    CHECK(replay.is_recovered);
    CHECK(numbers_of(replay.messages) == Numbers{1, 2, 2, 3});
    CHECK(replay.messages[0]->origin() == self);
    CHECK(replay.messages[1]->origin() == two);
    CHECK(replay.positions == Positions{{self, 0}, {two, 1}});
    CHECK(f.questions().empty());
}

TEST_CASE("from now on means: where everything stands, and nothing else") {
    Fixture f;
    f.join_at(4);
    f.publish_here(1);
    const auto& replay = f.resume(SinceNow{});
    CHECK(replay.is_recovered);
    CHECK(replay.messages.empty());
    CHECK(replay.positions == Positions{{self, 1}, {two, 4}});
    CHECK(f.questions().empty());
}

TEST_CASE("positions are never empty") {
    GroupFixture f(group_config({}));
    f.join("room:1", {});
    CHECK(f.resume(SinceNow{}).positions == Positions{{self, 0}});
}

TEST_CASE("what was published before this node listened is fetched from its peers, once") {
    Fixture f;
    f.join_at(5);
    f.hear(6);
    const auto serial = f.asked(Positions{{two, 3}});
    f.reply(group::HistoryAnswer{
        serial,
        {{two, 0, 6, {}}},
        {row(two, 1), row(two, 2), row(two, 3), row(two, 4), row(two, 5), row(two, 6)}});
    const auto& replay = f.told();
    CHECK(replay.is_recovered);
    CHECK(numbers_of(replay.messages) == Numbers{4, 5, 6});
    CHECK(replay.positions == Positions{{self, 0}, {two, 3}});

    const auto& next = f.resume(Positions{{two, 1}}, 2);
    CHECK(next.is_recovered);
    CHECK(numbers_of(next.messages) == Numbers{2, 3, 4, 5, 6});
    CHECK(f.resume(SinceLast{2}, 3).messages.size() == 2);
    CHECK(f.questions().empty());
}

TEST_CASE("what no peer has any more is not recovered, and what is there is told") {
    Fixture f;
    f.join_at(5);
    f.hear(6);
    const auto serial = f.asked(Positions{{two, 1}});
    f.reply(
        group::HistoryAnswer{serial, {{two, 3, 6, {}}}, {row(two, 4), row(two, 5), row(two, 6)}});
    CHECK_FALSE(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{4, 5, 6});
    CHECK(f.told().positions == Positions{{self, 0}, {two, 3}});
    CHECK(f.group.counters().resumes_recovered == 0);
    CHECK_FALSE(f.resume(Positions{{two, 2}}, 2).is_recovered);  // it is known: nobody is asked
    CHECK(f.resume(Positions{{two, 3}}, 3).is_recovered);
    CHECK(f.questions().empty());
}

TEST_CASE("a history that does not join on to this node's own makes nothing complete") {
    Fixture f;
    f.join_at(5);
    f.hear(6);
    const auto serial = f.asked(Positions{{two, 1}});
    f.reply(
        group::HistoryAnswer{serial, {{two, 0, 3, {}}}, {row(two, 1), row(two, 2), row(two, 3)}});
    CHECK_FALSE(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{6});
}

TEST_CASE("several clients that wait for the same history cause one question") {
    Fixture f;
    f.join_at(5);
    const auto serial = f.asked(Positions{{two, 3}}, 1);
    f.group.on_resume(0, 2, "room:1", SinceLast{1}, f.now);
    f.group.on_resume(0, 3, "room:1", SinceNow{}, f.now);
    CHECK_FALSE(f.is_waiting(3));
    CHECK(f.is_waiting(2));
    CHECK(f.questions().empty());
    f.reply(group::HistoryAnswer{serial, {{two, 3, 5, {}}}, {row(two, 4), row(two, 5)}});
    CHECK(numbers_of(f.told(1).messages) == Numbers{4, 5});
    CHECK(numbers_of(f.told(2).messages) == Numbers{5});
}

TEST_CASE(
    "a peer that does not answer is waited for so long, and asked again for the next client") {
    Fixture f;
    f.join_at(5);
    f.hear(6);
    const auto serial = f.asked(Positions{{two, 3}});
    f.run_alive(1900ms);
    CHECK(f.is_waiting(1));
    f.run_alive(200ms);
    CHECK_FALSE(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{6});
    f.reply(group::HistoryAnswer{serial, {{two, 0, 6, {}}}, {}});  // too late
    CHECK(f.asked(Positions{{two, 3}}, 2) != serial);
}

TEST_CASE("a peer that goes while it is asked is waited for no longer") {
    Fixture f(2);
    f.join_at(5, {2, 3});
    const auto serial = f.asked(Positions{{two, 3}, {three, 5}});
    CHECK(f.questions(2).size() == 1);
    f.reply(group::HistoryAnswer{serial, {{two, 3, 5, {}}}, {row(two, 4), row(two, 5)}}, 2);
    CHECK(f.is_waiting(1));
    f.publish(group::Heartbeat{2, true, 99, {}});
    CHECK(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{4, 5});
}

TEST_CASE("a peer that is silent is not asked, and what it may know is not held to be lost") {
    Fixture f(2);
    f.join_at(5, {2, 3});
    f.run_alive(1500ms, {3});
    CHECK(f.state_of(two_address) == "silent");
    const auto serial = f.asked(Positions{{two, 3}, {three, 5}, {dead, 7}}, 1, 2);
    CHECK(f.questions(1).empty());
    f.reply(group::HistoryAnswer{serial, {}, {}}, 2);
    CHECK_FALSE(f.told().is_recovered);
    CHECK(f.told().positions.at(dead) == 7);
    CHECK_FALSE(f.asked(Positions{{two, 3}, {three, 5}}, 2, 2) == serial);
}

TEST_CASE("the answers of several peers are put together, each message once and in order") {
    Fixture f(2);
    f.join_at(5, {2, 3});
    const auto serial = f.asked(Positions{{two, 0}, {three, 3}});
    CHECK(f.questions(2).size() == 1);
    f.reply(group::HistoryAnswer{serial,
                                 {{two, 0, 5, {}}, {three, 4, 5, {}}},
                                 {row(two, 1, 9000), row(two, 2, 8000), row(two, 3, 7000),
                                  row(two, 4, 6000), row(two, 5, 5000), row(three, 5, 4000)}},
            1);
    CHECK(f.is_waiting(1));
    f.reply(group::HistoryAnswer{serial,
                                 {{two, 2, 5, {}}, {three, 0, 5, {}}},
                                 {row(two, 3, 1), row(two, 4, 1), row(two, 5, 1),
                                  row(three, 4, 9500), row(three, 5, 1)}},
            2);
    const auto& replay = f.told();
    CHECK(replay.is_recovered);
    CHECK(replay.positions == Positions{{self, 0}, {two, 0}, {three, 3}});
    Numbers of_two, of_three;
    for (const auto& message : replay.messages) {
        (message->origin() == two ? of_two : of_three).push_back(message->number());
    }
    CHECK(of_two == Numbers{1, 2, 3, 4, 5});
    CHECK(of_three == Numbers{4, 5});
}

TEST_CASE("of a dead origin it is told what a peer remembers of it") {
    Fixture f;
    f.join_at(0);
    const auto serial = f.asked(Positions{{dead, 2}});
    f.reply(group::HistoryAnswer{serial,
                                 {{two, 0, 0, {}}, {dead, 0, 4, {}}},
                                 {row(dead, 1), row(dead, 2), row(dead, 3), row(dead, 4)}});
    const auto& replay = f.told();
    CHECK(replay.is_recovered);
    CHECK(numbers_of(replay.messages) == Numbers{3, 4});
    CHECK(replay.positions == Positions{{self, 0}, {two, 0}, {dead, 2}});
    CHECK(replay.ahead == Positions{{dead, 4}});
    CHECK(f.resume(Positions{{dead, 4}}, 2).is_recovered);
    CHECK(f.questions().empty());
}

TEST_CASE("of a dead origin all that the peers together remember is told") {
    Fixture f(2);
    f.join_at(0, {2, 3});
    const auto serial = f.asked(Positions{{dead, 2}});
    (void)f.questions(2);
    f.reply(group::HistoryAnswer{serial, {{dead, 3, 5, {}}}, {row(dead, 4), row(dead, 5)}}, 1);
    f.reply(group::HistoryAnswer{serial, {{dead, 2, 4, {}}}, {row(dead, 3), row(dead, 4)}}, 2);
    CHECK(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{3, 4, 5});
}

TEST_CASE("what was known by hearsay is followed by the origin's stream when it comes in sight") {
    Fixture f(2);
    f.join_at(0, {2, 3});
    f.publish(group::Heartbeat{3, true, 99, {}});
    const auto serial = f.asked(Positions{{dead, 2}});
    f.reply(group::HistoryAnswer{serial, {{dead, 2, 4, {}}}, {row(dead, 3), row(dead, 4)}});
    CHECK(f.told().is_recovered);
    f.meet(GroupFixture::other(9, "nine"), 2, {{0, bucket_1, 6}});
    const auto repairs = f.take_asked<group::Repair>(2);
    REQUIRE(repairs.size() == 1);
    CHECK(repairs[0].ranges == std::vector<group::Range>{{0, bucket_1, 5, 6}});
    f.hear_again(5, 9, 2);
    f.hear_again(6, 9, 2);
    f.hear(7, 9);
    CHECK(f.outlet.delivered == Numbers{5, 6, 7});
    const auto& replay = f.resume(Positions{{dead, 3}}, 2);
    CHECK(replay.is_recovered);
    CHECK(numbers_of(replay.messages) == Numbers{4, 5, 6, 7});
}

TEST_CASE("of an origin that nobody remembers nothing can be said: not recovered") {
    Fixture f;
    f.join_at(0);
    auto serial = f.asked(Positions{{two, 0}, {dead, 7}});
    f.reply(group::HistoryAnswer{serial, {{two, 0, 0, {}}}, {}});
    CHECK_FALSE(f.told().is_recovered);
    // Everybody that this node knows of has been asked: the client may forget it.
    CHECK(f.told().positions == Positions{{self, 0}, {two, 0}});
}

TEST_CASE("a client that knows more than this node is told only what comes after that") {
    Fixture f;
    f.join_at(0);
    f.hear(1);
    f.hear(2);
    const auto& replay = f.resume(Positions{{two, 9}});
    CHECK(replay.is_recovered);
    CHECK(replay.messages.empty());
    CHECK(replay.positions == Positions{{self, 0}, {two, 9}});
    CHECK(replay.ahead == Positions{{two, 9}});
}

TEST_CASE("a message that is held behind a hole comes live, and is not told before") {
    Fixture f;
    f.join_at(0);
    f.hear(1);
    f.hear(3);
    const auto& replay = f.resume(Positions{{two, 0}});
    CHECK(numbers_of(replay.messages) == Numbers{1});
    f.hear_again(2);
    CHECK(f.outlet.delivered == Numbers{1, 2, 3});
}

TEST_CASE("messages that are lost for good are not recovered, those after them are") {
    Fixture f;
    f.join_at(0);
    f.hear(1);
    f.hear(4);
    f.reply(group::Repaired{{{0, bucket_1, 2, 3}}});
    CHECK(f.outlet.delivered == Numbers{1, 4});
    const auto serial = f.asked(Positions{{two, 1}});
    f.reply(group::HistoryAnswer{serial, {{two, 3, 4, {}}}, {row(two, 4)}});
    CHECK_FALSE(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{4});
    CHECK(f.resume(Positions{{two, 3}}, 2).is_recovered);
}

TEST_CASE("the last messages are asked of the peers once, and then told") {
    Fixture f;
    f.join_at(0);
    for (std::uint64_t number = 1; number <= 5; ++number) f.hear(number);
    f.publish_here(1);
    const auto serial = f.asked(SinceLast{3});
    f.reply(group::HistoryAnswer{serial, {{two, 0, 5, {}}}, {}});
    CHECK(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{4, 5, 1});
    CHECK(f.told().positions == Positions{{self, 0}, {two, 3}});
    CHECK(f.resume(SinceLast{0}, 2).messages.empty());
    CHECK(f.resume(SinceLast{6}, 3).messages.size() == 6);
    const auto& all = f.resume(SinceLast{UINT64_MAX}, 4);
    CHECK(all.messages.size() == 6);
    CHECK(all.is_recovered);  // there never were more
    CHECK(f.questions().empty());
}

TEST_CASE("fewer messages than were asked for, of more that there were, are not recovered") {
    Fixture f(1, {3, 1h});
    f.join_at(0);
    for (std::uint64_t number = 1; number <= 5; ++number) f.hear(number);
    const auto serial = f.asked(SinceLast{4});
    f.reply(
        group::HistoryAnswer{serial, {{two, 2, 5, {}}}, {row(two, 3), row(two, 4), row(two, 5)}});
    CHECK_FALSE(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{3, 4, 5});
    CHECK(f.resume(SinceLast{3}, 2).is_recovered);
}

TEST_CASE("the messages of the last seconds are told, and whether they are all") {
    Fixture f(1, {3, 1h});
    f.now += 1h;
    f.join_at(0);
    for (std::uint64_t number = 1; number <= 5; ++number) {
        f.hear(number);
        f.now += 10s;
    }
    // They came 50, 40, 30, 20, 10 seconds ago; the last three are kept.
    const auto serial = f.asked(SinceSeconds{35});
    f.reply(group::HistoryAnswer{serial, {{two, 2, 5, 40'000}}, {}});
    CHECK(f.told().is_recovered);
    CHECK(numbers_of(f.told().messages) == Numbers{3, 4, 5});
    CHECK(numbers_of(f.resume(SinceSeconds{20}, 2).messages) == Numbers{4, 5});
    CHECK(f.outlet.replays.at(2).is_recovered);
    CHECK_FALSE(f.resume(SinceSeconds{45}, 3).is_recovered);
    CHECK_FALSE(f.resume(SinceSeconds{UINT64_MAX}, 4).is_recovered);
    CHECK(f.resume(SinceSeconds{0}, 5).messages.empty());
}

TEST_CASE("a topic without history tells where it stands, and recovers only who missed nothing") {
    GroupFixture f;
    f.meet();
    f.join("room:1");
    f.hear(1);
    f.hear(2);
    CHECK(f.resume(Positions{{two, 2}}, 1).is_recovered);
    const auto& behind = f.resume(Positions{{two, 1}}, 2);
    CHECK_FALSE(behind.is_recovered);
    CHECK(behind.positions == Positions{{self, 0}, {two, 2}});
    CHECK(behind.messages.empty());
    CHECK(f.take_asked<group::HistoryQuestion>().empty());
}

TEST_CASE("a message that is too old is not told, and not said to be recovered") {
    Fixture f(1, {100, 10s});
    f.join_at(0);
    f.hear(1);
    f.now += 5s;
    f.hear(2);
    f.now += 5s;  // and no tick
    f.group.on_resume(0, 1, "room:1", Positions{{two, 0}}, f.now);
    for (const auto& question : f.questions()) {
        f.reply(group::HistoryAnswer{question.serial, {{two, 1, 2, {}}}, {row(two, 2)}});
    }
    CHECK(numbers_of(f.told().messages) == Numbers{2});
    CHECK_FALSE(f.told().is_recovered);
}

TEST_CASE("a message that its publisher repeated on another node is told once") {
    Fixture f(2);
    f.join_at(0, {2, 3});
    f.group.on_published(made(two, 1, "room:1", "{}", "x")->wire(), f.now);
    f.group.on_published(made(three, 1, "room:1", "{}", "x")->wire(), f.now);
    f.group.on_published(made(three, 2, "room:1", "{}", "y")->wire(), f.now);
    const auto serial = f.asked(SinceLast{10});
    (void)f.questions(2);
    const std::vector<group::Coverage> coverage{{two, 0, 1, {}}, {three, 0, 2, {}}};
    f.reply(group::HistoryAnswer{serial, coverage, {row(two, 1, 1, "x"), row(three, 2, 1, "y")}},
            1);
    f.reply(group::HistoryAnswer{serial, coverage, {row(three, 1, 1, "x"), row(three, 2, 1, "y")}},
            2);
    CHECK(f.told().messages.size() == 2);
}

TEST_CASE("a peer that comes into view is asked by the next client that misses something") {
    Fixture f(2);
    f.join_at(5, {2, 3});
    auto serial = f.asked(Positions{{two, 3}, {three, 5}});
    (void)f.questions(2);
    for (const ContactId contact : {1U, 2U}) {
        f.reply(group::HistoryAnswer{serial, {}, {}}, contact);
    }
    CHECK_FALSE(f.told().is_recovered);
    CHECK_FALSE(f.resume(Positions{{two, 3}, {three, 5}}, 2).is_recovered);
    f.publish(group::Heartbeat{3, true, 99, {}});
    f.meet(GroupFixture::other(4, "four"), 2, {});
    serial = f.asked(Positions{{two, 3}, {three, 5}}, 3);
    CHECK(f.questions(2).size() == 1);
}

TEST_CASE(
    "a node that has just started waits for its peers before it says that something is lost") {
    GroupFixture f(with_history({{"10.0.0.2", 7370}}, many));
    f.join("room:1", {});
    f.group.on_resume(0, 1, "room:1", Positions{{two, 3}}, f.now);
    f.group.on_resume(0, 2, "room:1", SinceNow{}, f.now);
    CHECK(f.is_waiting(1));
    CHECK_FALSE(f.is_waiting(2));
    f.run_for(500ms);
    f.meet(2, 1, {{0, bucket_1, 4}});
    CHECK(f.take_asked<group::HistoryQuestion>().empty());
    f.run_alive(600ms);
    const auto asked = f.take_asked<group::HistoryQuestion>();
    REQUIRE(asked.size() == 1);
    f.reply(group::HistoryAnswer{asked[0].serial, {{two, 0, 4, {}}}, {row(two, 3), row(two, 4)}});
    REQUIRE_FALSE(f.is_waiting(1));
    CHECK(f.outlet.replays.at(1).is_recovered);
    CHECK(numbers_of(f.outlet.replays.at(1).messages) == Numbers{4});
}

TEST_CASE("a node that has just started waits so long for a peer that does not answer") {
    GroupFixture f(with_history({{"10.0.0.2", 7370}}, many));
    f.join("room:1", {});
    f.group.on_resume(0, 1, "room:1", Positions{{two, 3}}, f.now);
    f.run_for(3900ms);
    CHECK(f.is_waiting(1));
    f.run_for(200ms);
    REQUIRE_FALSE(f.is_waiting(1));
    CHECK_FALSE(f.outlet.replays.at(1).is_recovered);
    CHECK(f.outlet.replays.at(1).positions == Positions{{self, 0}, {two, 3}});
}
