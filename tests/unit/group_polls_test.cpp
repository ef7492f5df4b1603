#include <catch2/catch.hpp>

#include "daemon/core/group.hpp"
#include "tests/unit/group_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

PollRequest request_to(Incarnation home) {
    return {{{home, 4}, std::string(16, 's')}, PollKind::lines, "[1]"};
}

}  // namespace

TEST_CASE("a request for another node's session goes there, and its answer comes back") {
    GroupFixture f;
    f.meet();
    f.group.on_poll(3, 17, request_to(2), f.now);
    const auto asked = f.take_asked<group::PollQuestion>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].request == request_to(2));
    CHECK(f.outlet.polls_answered.empty());

    const PollAnswer answer{200, "body"};
    f.reply(group::PollReply{asked[0].serial, answer});
    REQUIRE(f.outlet.polls_answered.size() == 1);
    CHECK(f.outlet.polls_answered[0] == std::pair<std::uint64_t, PollAnswer>(17, answer));
    f.reply(group::PollReply{asked[0].serial, answer});  // once more
    f.reply(group::PollReply{999, answer});
    CHECK(f.outlet.polls_answered.size() == 1);
}

TEST_CASE("a session of a node that is not known is gone, of one that cannot be reached not") {
    GroupFixture f;
    f.meet();
    f.group.on_poll(0, 1, request_to(9), f.now);
    f.outlet.is_connected = false;
    f.group.on_poll(0, 2, request_to(2), f.now);
    REQUIRE(f.outlet.polls_answered.size() == 2);
    CHECK(f.outlet.polls_answered[0].second.status == 410);
    CHECK(f.outlet.polls_answered[1].second.status == 500);
}

TEST_CASE("with a node go its sessions, and a request does not wait for ever") {
    GroupFixture f;
    f.meet();
    const auto before = f.group.kept();
    f.group.on_poll(0, 1, request_to(2), f.now);
    f.run_alive(14s);
    CHECK(f.outlet.polls_answered.empty());
    f.run_alive(2s);
    REQUIRE(f.outlet.polls_answered.size() == 1);
    CHECK(f.outlet.polls_answered[0].second.status == 500);
    CHECK(f.group.kept() == before);

    f.group.on_poll(0, 2, request_to(2), f.now);
    f.publish(group::Heartbeat{2, true, 1000, {}});
    REQUIRE(f.outlet.polls_answered.size() == 2);
    CHECK(f.outlet.polls_answered[1].second.status == 410);
}

TEST_CASE("only the node that was asked can answer") {
    GroupFixture f(group_config({{"10.0.0.2", 7370}, {"10.0.0.3", 7370}}));
    f.meet(2, 1);
    f.meet(3, 2);
    f.group.on_poll(0, 1, request_to(2), f.now);
    const auto serial = f.take_asked<group::PollQuestion>().at(0).serial;
    f.reply(group::PollReply{serial, {200, "forged"}}, 2);
    CHECK(f.outlet.polls_answered.empty());
}

TEST_CASE("a peer's request comes to this node's session, unless it is an earlier one's") {
    GroupFixture f;
    f.meet();
    f.ask(group::PollQuestion{5, request_to(1)}, "route");
    REQUIRE(f.outlet.polls_asked.size() == 1);
    CHECK(f.outlet.polls_asked[0].route == "route");
    CHECK(f.outlet.polls_asked[0].serial == 5);
    CHECK(f.outlet.polls_asked[0].request == request_to(1));
    (void)f.take_answers();
    f.group.answer_poll("route", 5, {204, "none"});
    f.ask(group::PollQuestion{6, request_to(99)}, "route");
    const auto answers = f.take_answers();
    REQUIRE(answers.size() == 2);
    CHECK(std::get<group::PollReply>(answers[0]) == group::PollReply{5, {204, "none"}});
    CHECK(std::get<group::PollReply>(answers[1]).answer.status == 410);
}
