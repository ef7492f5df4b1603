#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "daemon/core/streams.hpp"
#include "tests/unit/made.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::chrono_literals;

namespace {

const std::size_t wire_bytes = made({1, 0}, 1)->wire().size();
constexpr std::size_t held_max = 8;

using Key = std::pair<Origin, Bucket>;

// Everything that comes out must join on to what came out before.
struct Listener : StreamsOutlet {
    void deliver(const BroadcastRef& broadcast) override {
        std::uint64_t& last = told[{broadcast->origin(), broadcast->bucket()}];
        REQUIRE(broadcast->number() == last + 1);
        last = broadcast->number();
        ++delivered;
    }
    void on_gap(const Gap& gap) override {
        std::uint64_t& last = told[{gap.origin, gap.bucket}];
        REQUIRE(gap.from == last + 1);
        REQUIRE(gap.to >= gap.from);
        last = gap.to;
        lost += gap.to - gap.from + 1;
    }
    std::map<Key, std::uint64_t> told;
    std::uint64_t delivered = 0, lost = 0;
};

class Run {
public:
    explicit Run(unsigned seed) : random_(seed) {
        for (const Incarnation peer : {1U, 2U}) {
            for (const auto* topic : {"room:a", "room:b"}) begin(peer, topic);
        }
    }
    void step() {
        const auto& [origin, topic] = streams_[pick(streams_.size())];
        const Bucket bucket = bucket_of(topic);
        const std::uint64_t last = *machine_.last(origin, bucket);
        std::uint64_t& known = known_[{origin, bucket}];
        now_ += Duration(pick(400'000));
        switch (pick(12)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4: {
                const std::uint64_t number = last + 1 + pick(5) - (last > 0 ? pick(2) : 0);
                machine_.on_broadcast(made(origin, number, topic), now_);
                known = std::max(known, number);
                break;
            }
            case 5: {
                const std::uint64_t number = known + pick(3);
                machine_.on_mark(origin.incarnation, {origin.shard, bucket, number}, now_);
                known = std::max(known, number);
                break;
            }
            case 6: {
                const std::uint64_t number = known + pick(2);
                machine_.on_base(origin.incarnation, bucket, {{origin.shard, bucket, number}},
                                 now_);
                known = std::max(known, number);
                break;
            }
            case 7:
            case 8:
            case 9: repair(origin.incarnation); break;
            case 10: machine_.give_up(1s, 3s, now_); break;
            default:
                if (pick(8) == 0) {
                    machine_.bury(origin.incarnation, now_);
                } else if (pick(2) == 0) {
                    machine_.set_away(origin.incarnation, now_);
                } else {
                    machine_.set_present(origin.incarnation, now_);
                }
        }
        check();
    }
    void finish() {
        for (const Incarnation peer : {1U, 2U}) machine_.bury(peer, now_);
        check();
        REQUIRE(machine_.hole_count() == 0);
        REQUIRE(machine_.held_bytes() == 0);
        const auto& counters = machine_.counters();
        REQUIRE(counters.detected == counters.repaired + counters.lost);
    }
    std::uint64_t delivered() const { return listener_.delivered; }
    const StreamCounters& counters() const { return machine_.counters(); }

private:
    std::uint64_t pick(std::uint64_t below) { return random_() % below; }

    void begin(Incarnation peer, const char* topic) {
        std::vector<group::StreamMark> marks;
        for (const std::uint8_t shard : {std::uint8_t{0}, std::uint8_t{3}}) {
            const Key key{{peer, shard}, bucket_of(topic)};
            const std::uint64_t start = pick(3) * 10;
            if (start > 0) marks.push_back({shard, key.second, start});
            known_[key] = listener_.told[key] = start;
            streams_.emplace_back(key.first, topic);
        }
        machine_.on_base(peer, bucket_of(topic), marks, now_);
    }
    // A peer sends again some of what it is asked for, and says how far it has come.
    void repair(Incarnation peer) {
        for (const auto& range : machine_.holes(peer, 3)) {
            REQUIRE(range.from <= range.to);
            const Origin origin{peer, range.shard};
            const char* topic = range.bucket == bucket_of("room:a") ? "room:a" : "room:b";
            const std::uint64_t to = range.from + pick(range.to - range.from + 1);
            for (std::uint64_t number = range.from; number <= to; ++number) {
                if (pick(4) > 0) machine_.on_broadcast(made(origin, number, topic), now_);
            }
            if (pick(4) > 0)
                machine_.on_repaired(peer, {range.shard, range.bucket, range.from, to}, now_);
        }
    }
    void check() const {
        std::uint64_t missing = 0;
        std::size_t holes = 0;
        for (const auto& [key, known] : known_) {
            const std::uint64_t last = *machine_.last(key.first, key.second);
            REQUIRE(last == listener_.told.at(key));
            REQUIRE(last <= known);
            missing += known - last;
            holes += known > last;
        }
        REQUIRE(machine_.held_bytes() <= held_max * wire_bytes);
        missing -= machine_.held_bytes() / wire_bytes;
        const auto& counters = machine_.counters();
        REQUIRE(counters.detected == counters.repaired + counters.lost + missing);
        REQUIRE(counters.lost == listener_.lost);
        REQUIRE(machine_.hole_count() == holes);
        const std::size_t told = machine_.holes(1, 100).size() + machine_.holes(2, 100).size();
        REQUIRE(told == holes);
    }

    std::mt19937 random_;
    Time now_{1h};
    Listener listener_;
    Streams machine_{listener_, held_max* wire_bytes};
    std::vector<std::pair<Origin, const char*>> streams_;
    std::map<Key, std::uint64_t> known_;
};

}  // namespace

TEST_CASE(
    "whatever comes, streams are told in order, and what was noticed as missing is either "
    "repaired, lost or still missing") {
    std::uint64_t delivered = 0, repaired = 0, lost = 0;
    for (unsigned seed = 0; seed < 60; ++seed) {
        CAPTURE(seed);
        Run run(seed);
        for (int i = 0; i < 1000; ++i) run.step();
        run.finish();
        delivered += run.delivered();
        repaired += run.counters().repaired;
        lost += run.counters().lost;
    }
    CHECK(delivered > 10'000);
    CHECK(repaired > 1'000);
    CHECK(lost > 1'000);
}
