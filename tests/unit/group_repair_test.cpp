#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "daemon/core/group.hpp"
#include "tests/unit/group_fixture.hpp"

using namespace roost;
using namespace roost::test;

namespace {

const Bucket bucket_1 = bucket_of("room:1");
using Ranges = std::vector<group::Range>;

// What the ROUTER answered to a repair: the numbers that were sent again, and what was dealt with.
struct Served {
    Numbers numbers;
    Ranges ranges;
};

Served served(GroupFixture& f) {
    Served served;
    auto answers = f.take_answers();
    REQUIRE_FALSE(answers.empty());
    served.ranges = std::get<group::Repaired>(answers.back()).ranges;
    answers.pop_back();
    for (const auto& answer : answers) {
        served.numbers.push_back(std::get<BroadcastRef>(answer)->number());
    }
    return served;
}

Served repair(GroupFixture& f, Ranges ranges) {
    (void)f.take_answers();
    f.ask(group::Repair{std::move(ranges)});
    return served(f);
}

Numbers count_to(std::uint64_t last) {
    Numbers numbers;
    for (std::uint64_t number = 1; number <= last; ++number) numbers.push_back(number);
    return numbers;
}

// One that has met its peer, with somebody here in the topic room:1 of which the stream stands at
// 0.
struct Joined : GroupFixture {
    explicit Joined(GroupConfig config = group_config({{"10.0.0.2", 7370}}))
        : GroupFixture(std::move(config)) {
        meet();
        join("room:1");
        (void)take_asked<group::Repair>();
    }
    Ranges asked() {
        Ranges ranges;
        for (const auto& repair : take_asked<group::Repair>()) {
            ranges.insert(ranges.end(), repair.ranges.begin(), repair.ranges.end());
        }
        return ranges;
    }
    void repaired(std::uint64_t from, std::uint64_t to) {
        reply(group::Repaired{{{0, bucket_1, from, to}}});
    }
};

}  // namespace

TEST_CASE("a local message is published, and can be asked for again") {
    GroupFixture f;
    f.publish_here(1);
    f.publish_here(2);
    CHECK(numbers_of(f.outlet.broadcasts) == Numbers{1, 2});
    CHECK(f.group.counters().broadcasts_out == 2);
    const auto [numbers, ranges] = repair(f, {{0, bucket_1, 1, 2}});
    CHECK(numbers == Numbers{1, 2});
    CHECK(ranges == Ranges{{0, bucket_1, 1, 2}});
    CHECK(f.group.counters().repairs_served == 2);
}

TEST_CASE("what moved is told by the next heartbeat, once, and heartbeats are numbered") {
    GroupFixture f;
    f.publish_here(1);
    f.publish_here(2);
    f.run_for(600ms);
    std::vector<group::Heartbeat> heartbeats;
    for (const auto& bytes : f.outlet.published) {
        heartbeats.push_back(std::get<group::Heartbeat>(*group::decode_published(bytes)));
    }
    REQUIRE(heartbeats.size() == 3);
    CHECK(heartbeats[0].moved == std::vector<group::StreamMark>{{0, bucket_1, 2}});
    CHECK(heartbeats[1].moved.empty());
    CHECK(heartbeats[1].number == heartbeats[0].number + 1);
    CHECK(heartbeats[2].number == heartbeats[1].number + 1);
}

TEST_CASE("who asks where this node's streams stand is told, of the buckets asked for") {
    GroupFixture f;
    f.publish_here(1);
    f.publish_here(2);
    f.group.on_local(made({1, 3}, 1, "room:1"), f.now);
    f.publish_here(1, "room:2");
    f.ask(group::Where{7, {bucket_1, 9}}, "r2");
    REQUIRE(f.outlet.answers.size() == 1);
    CHECK(f.outlet.answers[0].first == "r2");
    const auto answers = f.take_answers();
    CHECK(std::get<group::Marks>(answers[0]) ==
          group::Marks{7, {bucket_1, 9}, {{0, bucket_1, 2}, {3, bucket_1, 1}}});
    f.ask(group::Where{8, {}});
    CHECK(std::get<group::Marks>(f.take_answers().at(0)) == group::Marks{8, {}, {}});
    f.ask(group::Where{9, std::vector<Bucket>(1025, bucket_1)});
    CHECK(f.take_answers().empty());
}

TEST_CASE("a fence is answered with where the streams of its buckets stand") {
    GroupFixture f;
    f.publish_here(1);
    f.publish_here(1, "room:2");
    const group::FenceKey fence{{2, 5}, {bucket_1, 9}};
    f.group.on_subscription(group::key_of(fence));
    REQUIRE(f.outlet.published.size() == 1);
    const auto answer = group::decode_published(f.outlet.published[0]);
    REQUIRE(answer);
    CHECK(std::get<group::FenceAnswer>(*answer) ==
          group::FenceAnswer{fence, 1, {{0, bucket_1, 1}}});
}

TEST_CASE("a peer is asked where it stands before its link is proved, with all that is wanted") {
    GroupFixture f;
    f.group.on_want(0, 7, 1);
    f.group.on_want(0, 9, 2);
    f.group.end_of_turn(f.now);
    f.reply(group::Welcome{GroupFixture::other()});
    auto asked = f.take_asked<group::Where>();
    REQUIRE(asked.size() == 1);
    std::sort(asked[0].buckets.begin(), asked[0].buckets.end());
    CHECK(asked[0].buckets == std::vector<Bucket>{7, 9});
    CHECK(f.fence().id.serial == 0);
    f.reply(group::Marks{asked[0].round + 1, {7, 9}, {}});  // of another round
    CHECK(f.fence().id.serial == 0);
    f.reply(group::Marks{asked[0].round, {7, 9}, {}});
    CHECK(f.fence().id.serial != 0);
    CHECK(f.fence().buckets.empty());
}

TEST_CASE("a question where a peer stands is asked again until it is answered, in parts if long") {
    GroupFixture f;
    for (Bucket bucket = 0; bucket < 1500; ++bucket) f.group.on_want(0, bucket, 1);
    f.group.end_of_turn(f.now);
    f.reply(group::Welcome{GroupFixture::other()});
    auto asked = f.take_asked<group::Where>();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].buckets.size() + asked[1].buckets.size() == 1500);
    f.reply(group::Marks{asked[0].round, asked[0].buckets, {}});
    CHECK(f.fence().id.serial == 0);
    f.run_alive(900ms);
    CHECK(f.take_asked<group::Where>().empty());
    f.run_alive(200ms);
    asked = f.take_asked<group::Where>();
    REQUIRE(asked.size() == 2);
    for (const auto& where : asked) f.reply(group::Marks{where.round, where.buckets, {}});
    CHECK(f.fence().id.serial != 0);
}

TEST_CASE("a hole is asked for at once, and what follows it is told when it is filled") {
    Joined f;
    for (const std::uint64_t number : {1U, 4U, 5U}) f.hear(number);
    CHECK(f.outlet.delivered == Numbers{1});
    CHECK(f.asked() == Ranges{{0, bucket_1, 2, 3}});
    f.hear(6);
    CHECK(f.asked().empty());  // one request at a time
    f.hear_again(2);
    f.hear_again(3);
    f.repaired(2, 3);
    CHECK(f.outlet.delivered == count_to(6));
    CHECK(f.asked().empty());
    CHECK(f.group.stream_counters().detected == 2);
    CHECK(f.group.stream_counters().repaired == 2);
    CHECK(f.group.counters().repairs_asked == 1);
    CHECK(f.outlet.gaps.empty());
}

TEST_CASE("a message seen before is not delivered again") {
    Joined f;
    for (const std::uint64_t number : {1U, 2U, 2U, 1U}) f.hear(number);
    CHECK(f.outlet.delivered == Numbers{1, 2});
    CHECK(f.group.stream_counters().repeated == 2);
}

TEST_CASE("a loss at the end of a stream shows by the mark of the next heartbeat") {
    Joined f;
    f.hear(1);
    f.beat(2, {{0, bucket_1, 3}, {0, 99, 7}});
    CHECK(f.asked() == Ranges{{0, bucket_1, 2, 3}});
    f.hear_again(2);
    f.hear_again(3);
    CHECK(f.outlet.delivered == Numbers{1, 2, 3});
}

TEST_CASE("an answer that went only so far brings the next request, until all is there") {
    Joined f;
    f.hear(9);
    CHECK(f.asked() == Ranges{{0, bucket_1, 1, 8}});
    for (const std::uint64_t number : {1U, 2U, 3U}) f.hear_again(number);
    f.repaired(1, 3);
    CHECK(f.asked() == Ranges{{0, bucket_1, 4, 8}});
    f.hear_again(5);
    f.repaired(4, 8);
    CHECK(f.asked().empty());
    CHECK(f.outlet.delivered == Numbers{1, 2, 3, 5, 9});
    CHECK(f.outlet.gaps == std::vector<Gap>{{{2, 0}, bucket_1, 4, 4}, {{2, 0}, bucket_1, 6, 8}});
    CHECK(f.group.stream_counters().lost == 4);
    CHECK(f.outlet.facts[FactKind::messages_lost] == 2);
}

TEST_CASE("a peer that can send nothing now is asked again at the next tick, not at once") {
    Joined f;
    f.hear(3);
    CHECK(f.asked().size() == 1);
    f.reply(group::Repaired{});
    CHECK(f.asked().empty());
    f.run_alive(100ms);
    CHECK(f.asked() == Ranges{{0, bucket_1, 1, 2}});
}

TEST_CASE("a request that is not answered is asked again, and in the end the hole is given up") {
    Joined f;
    f.hear(3);
    CHECK(f.asked().size() == 1);
    f.run_alive(900ms);
    CHECK(f.asked().empty());
    f.run_alive(200ms);
    CHECK(f.asked() == Ranges{{0, bucket_1, 1, 2}});
    f.run_alive(3800ms);
    CHECK(f.asked().size() == 3);
    CHECK(f.outlet.delivered.empty());
    f.run_alive(200ms);
    CHECK(f.outlet.delivered == Numbers{3});
    CHECK(f.outlet.gaps == std::vector<Gap>{{{2, 0}, bucket_1, 1, 2}});
    CHECK(f.group.stream_counters().lost == 2);
    (void)f.asked();
    f.run_alive(2s);
    CHECK(f.asked().empty());
}

TEST_CASE("a request that could not be sent is not taken for one that is on its way") {
    Joined f;
    f.outlet.is_connected = false;
    f.hear(3);
    f.outlet.is_connected = true;
    CHECK(f.group.counters().repairs_asked == 0);
    f.run_alive(100ms);
    CHECK(f.asked().size() == 1);
}

TEST_CASE("a message of another origin that comes as an answer is not taken") {
    Joined f;
    f.hear(3);
    f.hear_again(1, 77);
    f.group.on_answer(1, made({1, 0}, 1, "room:1")->wire(), f.now);
    CHECK(f.outlet.delivered.empty());
    CHECK(f.group.stream_counters().repaired == 0);
}

TEST_CASE("a heartbeat that is missing makes the node ask where the peer stands") {
    Joined f;
    f.beat();
    (void)f.take_asked<group::Where>();
    f.run_alive(1500ms);
    CHECK(f.take_asked<group::Where>().empty());
    ++f.heartbeats[2];
    f.run_alive(1100ms);
    const auto asked = f.take_asked<group::Where>();
    REQUIRE_FALSE(asked.empty());
    f.reply(group::Marks{asked.back().round, asked.back().buckets, {{0, bucket_1, 2}}});
    CHECK(f.asked() == Ranges{{0, bucket_1, 1, 2}});
    f.run_alive(1500ms);
    CHECK(f.take_asked<group::Where>().empty());
}

TEST_CASE("a connection that came back makes the node ask where the peer stands") {
    Joined f;
    (void)f.take_asked<group::Where>();
    f.group.on_link({"10.0.0.2", 7371}, f.now);
    f.run_alive(1100ms);
    CHECK_FALSE(f.take_asked<group::Where>().empty());
}

TEST_CASE("a fence that nobody answered makes the node ask where the peer stands") {
    GroupFixture f;
    f.meet();
    f.group.on_want(0, bucket_1, 1);
    f.group.end_of_turn(f.now);
    f.run_alive(2200ms);
    CHECK(f.group.counters().fences_timed_out == 1);
    const auto asked = f.take_asked<group::Where>();
    REQUIRE_FALSE(asked.empty());
    f.reply(group::Marks{asked.back().round, asked.back().buckets, {{0, bucket_1, 2}}});
    f.hear(4);
    CHECK(f.take_asked<group::Repair>().at(0).ranges == Ranges{{0, bucket_1, 3, 3}});
}

TEST_CASE("an incarnation that comes back after a split goes on where it was") {
    Joined f;
    f.hear(1);
    f.run_for(4s);
    CHECK(f.state_of(two_address) == "down");
    f.meet(2, 1, {{0, bucket_1, 4}});
    CHECK(f.state_of(two_address) == "up");
    CHECK(f.asked() == Ranges{{0, bucket_1, 2, 4}});
    for (const std::uint64_t number : {2U, 3U, 4U, 5U}) f.hear_again(number);
    CHECK(f.outlet.delivered == count_to(5));
    CHECK(f.group.stream_counters().lost == 0);
}

TEST_CASE("what was missing of a peer out of sight is not given up before it can be back") {
    Joined f;
    f.hear(1);
    f.beat(2, {{0, bucket_1, 3}});
    f.run_for(4min);
    CHECK(f.state_of(two_address) == "down");
    CHECK(f.outlet.gaps.empty());
    f.meet(2, 1, {{0, bucket_1, 3}});
    f.hear_again(2);
    f.hear_again(3);
    CHECK(f.outlet.delivered == count_to(3));
}

TEST_CASE("another incarnation of the same name begins anew, and what the old one owed is lost") {
    Joined f;
    f.hear(3);
    (void)f.asked();
    f.meet(5, 1, {{0, bucket_1, 8}});
    CHECK(f.outlet.gaps == std::vector<Gap>{{{2, 0}, bucket_1, 1, 2}});
    CHECK(f.outlet.delivered == Numbers{3});
    f.hear(9, 5);
    CHECK(f.outlet.delivered == Numbers{3, 9});
    f.hear(4, 2);  // too late
    CHECK(f.outlet.delivered == Numbers{3, 9});
}

TEST_CASE("a place is forgotten in the end, and what was owed then is told as lost") {
    auto config = group_config({{"10.0.0.2", 7370}});
    config.remember_away = 30s;
    Joined f(config);
    f.hear(1);
    f.beat(2, {{0, bucket_1, 3}});
    f.run_for(20s);
    CHECK(f.outlet.gaps.empty());
    f.run_for(15s);
    CHECK(f.outlet.gaps == std::vector<Gap>{{{2, 0}, bucket_1, 2, 3}});
    CHECK(f.group.stream_counters().lost == 2);
}

TEST_CASE("a repair is served from the buffer as far as that goes, and the rest is gone") {
    auto config = group_config({});
    config.repair_buffer = 10 * (made({1, 0}, 1, "room:1")->wire().size() + 160);
    GroupFixture f(config);
    for (std::uint64_t number = 1; number <= 30; ++number) f.publish_here(number);
    const auto [numbers, ranges] = repair(f, {{0, bucket_1, 15, 25}});
    CHECK(numbers == Numbers{21, 22, 23, 24, 25});
    CHECK(ranges == Ranges{{0, bucket_1, 15, 25}});
    const auto gone = repair(f, {{0, bucket_1, 1, 20}});
    CHECK(gone.numbers.empty());
    CHECK(gone.ranges == Ranges{{0, bucket_1, 1, 20}});
}

TEST_CASE("a repair of what does not exist is answered with nothing, and does no harm") {
    GroupFixture f;
    f.publish_here(1);
    const auto [numbers, ranges] =
        repair(f, {{0, bucket_1, 1, UINT64_MAX}, {7, bucket_1, 1, 5}, {0, 99, 1, UINT64_MAX}});
    CHECK(numbers == Numbers{1});
    CHECK(ranges.size() == 3);
}

TEST_CASE("what the buffer has no longer is served from the history of its topic") {
    auto config = with_history({}, {100, 1h});
    config.repair_buffer = 10 * (made({1, 0}, 1, "room:1")->wire().size() + 160);
    GroupFixture f(config);
    for (std::uint64_t number = 1; number <= 30; ++number) f.publish_here(number);
    const auto [numbers, ranges] = repair(f, {{0, bucket_1, 3, 25}});
    Numbers expected;
    for (std::uint64_t number = 3; number <= 25; ++number) expected.push_back(number);
    CHECK(numbers == expected);
    CHECK(ranges == Ranges{{0, bucket_1, 3, 25}});
}

TEST_CASE("an answer to a repair is bounded by messages, and the asker comes again for the rest") {
    GroupFixture f;
    for (std::uint64_t number = 1; number <= 5000; ++number) f.publish_here(number);
    Numbers all;
    std::uint64_t from = 1;
    int requests = 0;
    while (from <= 5000) {
        const auto [numbers, ranges] = repair(f, {{0, bucket_1, from, 5000}});
        REQUIRE(numbers.size() <= 2000);
        REQUIRE(ranges.size() == 1);
        REQUIRE(ranges[0].from == from);
        REQUIRE(numbers.back() == ranges[0].to);
        all.insert(all.end(), numbers.begin(), numbers.end());
        from = ranges[0].to + 1;
        ++requests;
    }
    CHECK(all == count_to(5000));
    CHECK(requests == 3);
}

TEST_CASE("an answer to a repair is bounded by bytes, but holds one message at least") {
    GroupFixture f;
    const std::string payload = "{\"x\":\"" + std::string(900'000, 'x') + "\"}";
    for (std::uint64_t number = 1; number <= 12; ++number) {
        f.publish_here(number, "room:1", payload);
    }
    const auto [numbers, ranges] = repair(f, {{0, bucket_1, 1, 12}, {0, bucket_1, 1, 1}});
    CHECK_FALSE(numbers.empty());
    CHECK(numbers.size() < 12);
    CHECK(ranges == Ranges{{0, bucket_1, 1, numbers.back()}});
}

TEST_CASE("a message that the ROUTER cannot take ends the answer before it") {
    GroupFixture f;
    for (std::uint64_t number = 1; number <= 9; ++number) f.publish_here(number);
    f.outlet.answers_max = 3;
    f.ask(group::Repair{{{0, bucket_1, 1, 9}}});
    const auto sent = f.take_answers();
    CHECK(sent.size() == 3);
    for (const auto& answer : sent) CHECK(std::holds_alternative<BroadcastRef>(answer));
    CHECK(f.group.counters().repairs_served == 3);
}

TEST_CASE("of a bucket that is left nothing is asked for any more") {
    Joined f;
    f.hear(3);
    f.group.on_release(0, bucket_1, f.now);
    f.run_alive(31s);
    (void)f.asked();
    f.hear(9);
    f.beat(2, {{0, bucket_1, 20}});
    f.run_alive(2s);
    CHECK(f.asked().empty());
}
