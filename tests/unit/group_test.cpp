#include "daemon/core/group.hpp"

#include <catch2/catch.hpp>
#include <msgpack.hpp>

#include "tests/unit/group_fixture.hpp"

using namespace roost;
using namespace roost::test;

TEST_CASE("a known address is called until it answers, at once again if nothing could be sent") {
    GroupFixture f;
    f.outlet.is_connected = false;
    f.run_for(500ms);
    CHECK(f.outlet.calls.empty());
    f.outlet.is_connected = true;
    f.run_for(50ms);
    CHECK(f.outlet.calls.size() == 1);
    f.run_for(2s);
    CHECK(f.outlet.calls.size() == 3);
}

TEST_CASE("a peer counts as up only when its link is proved") {
    GroupFixture f;
    f.group.on_answer(1, group::encode(group::Welcome{GroupFixture::other()}), f.now);
    CHECK(f.outlet.publishers == std::vector<Endpoint>{{"10.0.0.2", 7371}});
    CHECK(f.state_of(two_address) == "connecting");
    f.answer_fence(2);  // there is none yet: first it is asked where its streams stand
    CHECK(f.state_of(two_address) == "connecting");
    f.answer_where();
    CHECK(f.state_of(two_address) == "connecting");
    f.answer_fence(2);
    CHECK(f.state_of(two_address) == "up");
    CHECK(f.group.peers_in_view() == 1);
}

TEST_CASE("a wish waits for the fence of every peer in view, and one fence serves a turn") {
    GroupFixture f;
    f.meet();
    f.group.on_want(0, 7, 1);
    f.group.on_want(0, 8, 2);
    CHECK(f.outlet.lives.empty());
    f.group.end_of_turn(f.now);
    CHECK(f.group.counters().fences == 1);
    f.answer_fence(99);  // nobody we know
    CHECK(f.outlet.lives.empty());
    f.answer_fence(2);
    CHECK(f.outlet.lives == std::vector<std::pair<Bucket, Ticket>>{{7, 1}, {8, 2}});
}

TEST_CASE("without peers a wish is granted at the end of the turn") {
    GroupFixture f(group_config({}));
    f.group.on_want(0, 7, 1);
    f.group.end_of_turn(f.now);
    CHECK(f.outlet.lives.size() == 1);
}

TEST_CASE("a fence that nobody answers is over at its deadline, and that is counted") {
    GroupFixture f;
    f.meet();
    f.group.on_want(0, 7, 1);
    f.group.end_of_turn(f.now);
    f.run_for(2100ms);
    CHECK(f.outlet.lives.size() == 1);
    CHECK(f.group.counters().fences_timed_out == 1);
    CHECK(f.outlet.facts[FactKind::fence_timed_out] == 1);
}

TEST_CASE("a message of nobody in the roster is not delivered") {
    GroupFixture f;
    f.meet();
    f.join("room:1");
    f.hear(1, 77);
    CHECK(f.outlet.delivered.empty());
}

TEST_CASE("a node of another group is refused with the reason, and shown") {
    GroupFixture f(group_config({}));
    auto stranger = GroupFixture::other();
    stranger.group = "another";
    f.group.on_call("r", "10.0.0.2", group::encode(group::Hello{stranger}), f.now);
    REQUIRE(f.outlet.answers.size() == 1);
    const auto answer = group::decode_directed(f.outlet.answers[0].second);
    REQUIRE(answer);
    CHECK(std::get<group::Refusal>(*answer).reason ==
          "group 'another', this node is of group 'roost'");
    CHECK(f.state_of(two_address) == "refused");
}

TEST_CASE("a node of another protocol version is refused on both sides, and shown") {
    msgpack::sbuffer buffer;
    msgpack::packer<msgpack::sbuffer> packer(buffer);
    packer.pack_array(3).pack(std::string("hello")).pack(2).pack_map(0);
    const std::string hello(buffer.data(), buffer.size());

    GroupFixture f;
    f.group.on_call("r", "10.0.0.3", hello, f.now);
    REQUIRE(f.outlet.answers.size() == 1);
    CHECK(f.state_of("10.0.0.3:0") == "refused");
    // The other side reads the refusal in any version.
    f.group.on_answer(1, f.outlet.answers[0].second, f.now);
    CHECK(f.state_of(two_address) == "refused");
    CHECK(f.outlet.facts[FactKind::refused_by_node] == 1);
}

TEST_CASE("a name that a living node has is refused; that of a restarted one is not") {
    GroupFixture f;
    f.meet();
    f.group.on_call("r", "10.0.0.9", group::encode(group::Hello{GroupFixture::other(3)}), f.now);
    REQUIRE(f.outlet.answers.size() == 1);
    CHECK(std::holds_alternative<group::Refusal>(
        *group::decode_directed(f.outlet.answers[0].second)));
    CHECK(f.state_of(two_address) == "up");

    // A hello alone proves nothing: anybody can send one. The node is called at once, and its own
    // answer replaces it.
    const auto calls = f.outlet.calls.size();
    f.group.on_call("r", "10.0.0.2", group::encode(group::Hello{GroupFixture::other(4)}), f.now);
    CHECK(f.state_of(two_address) == "up");
    CHECK(f.outlet.calls.size() == calls + 1);
    f.meet(4);
    CHECK(f.outlet.facts[FactKind::node_replaced] == 1);
    CHECK(f.state_of(two_address) == "up");
    CHECK(f.outlet.publishers.back() == Endpoint{"10.0.0.2", 7371});
}

TEST_CASE("a node that says goodbye answers nobody any more") {
    GroupFixture f;
    f.meet();
    f.group.say_goodbye();
    const auto published = f.outlet.published.size();
    f.run_for(2s);
    CHECK(f.outlet.published.size() == published);
    f.group.on_call("r", "10.0.0.2", group::encode(group::Hello{GroupFixture::other()}), f.now);
    CHECK(f.outlet.answers.empty());
}

TEST_CASE("a connection that came back is proved again, and joins wait for it meanwhile") {
    GroupFixture f;
    f.meet();
    f.group.on_link({"10.0.0.2", 7371}, f.now);
    CHECK(f.fence().id.serial != 0);
    f.group.on_want(0, 7, 1);
    f.group.end_of_turn(f.now);
    CHECK(f.outlet.lives.empty());
    f.answer_fence(2);
    CHECK(f.outlet.lives.size() == 1);
}

TEST_CASE("strangers that name any number of addresses fill no memory") {
    GroupFixture f;
    for (std::uint16_t port = 1; port < 3000; ++port) {
        auto caller = GroupFixture::other(port + 10U, "n" + std::to_string(port));
        caller.router_port = port;
        f.group.on_call("r", "10.0.0.5", group::encode(group::Hello{caller}), f.now);
        caller.group = "another";
        f.group.on_call("r", "10.0.0.6", group::encode(group::Hello{caller}), f.now);
    }
    CHECK(f.outlet.contacts.size() == 1024);
    CHECK(f.group.kept() <= 2 * 1024);
}

TEST_CASE("two names of one node share its publisher until neither needs it") {
    GroupFixture f(group_config({{"name-of-two", 7370}}));
    auto two = GroupFixture::other();
    two.host = "10.0.0.2";
    f.meet(two, 1);
    two.incarnation = 3;  // restarted, and met by the address it tells
    f.group.on_call("r", "10.0.0.2", group::encode(group::Hello{two}), f.now);
    f.meet(two, 2);
    f.publish(group::Heartbeat{3, true, 1, {}});
    two.incarnation = 4;  // and again, met by its name
    f.group.on_answer(1, group::encode(group::Welcome{two}), f.now);
    CHECK_FALSE(f.outlet.publishers.empty());
}

TEST_CASE("an address that answers as another node is that node, and the first is gone") {
    GroupFixture f;
    f.meet(2);
    f.meet(GroupFixture::other(5, "five"), 1);
    f.run_for(70s);
    CHECK(f.group.nodes(f.now).size() == 2);  // this node, and the address that is called again
}

TEST_CASE("a node that stood still buries nobody before it has read what they said") {
    GroupFixture f;
    f.meet();
    f.run_for(200ms);
    f.now += 10s;
    f.group.tick(f.now);
    CHECK(f.state_of(two_address) == "up");
    f.run_for(4s);  // but if they really are silent
    CHECK(f.state_of(two_address) == "down");
}

TEST_CASE("a join under way waits for a peer that comes into view meanwhile") {
    GroupFixture f(group_config({{"10.0.0.2", 7370}, {"10.0.0.3", 7370}}));
    f.meet();
    f.reply(group::Welcome{GroupFixture::other(3, "three")}, 2);
    f.answer_where(2);
    const auto link = f.fence();
    f.group.on_want(0, 7, 1);
    f.group.end_of_turn(f.now);
    f.publish(group::FenceAnswer{link, 3, {}});
    CHECK(f.group.peers_in_view() == 2);
    f.answer_fence(2);
    CHECK(f.outlet.lives.empty());
    f.answer_fence(3);
    CHECK(f.outlet.lives.size() == 1);
}
