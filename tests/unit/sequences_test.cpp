#include "daemon/core/sequences.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace roost;

namespace {
using Frames = std::vector<FrameId>;

Frames frames_of(Sequences& sequences, SequenceId sequence) {
    const auto frames = sequences.frames(sequence);
    return {frames.begin(), frames.end()};
}
}  // namespace

TEST_CASE("who is sent the same frames is at the same place, whoever goes first") {
    Sequences sequences;
    const auto one = sequences.next(Sequences::none, 5, "five");
    const auto other = sequences.next(Sequences::none, 6, "six");
    CHECK(one != other);
    CHECK(sequences.next(Sequences::none, 6, "six") == other);
    const auto both = sequences.next(one, 6, "six");
    CHECK(sequences.next(one, 6, "six") == both);
    CHECK(both != other);
    CHECK(frames_of(sequences, both) == Frames{5, 6});
    CHECK(sequences.count(both) == 2);
    CHECK(sequences.bytes(both) == 7);
    CHECK(sequences.size() == 4);  // and the place of those that are sent nothing
}

TEST_CASE("one frame has its text at once, several have it once it was put together") {
    Sequences sequences;
    const std::string five = "five", six = "six", both_text = "fivesix";
    const auto one = sequences.next(Sequences::none, 0, five);
    const auto both = sequences.next(one, 1, six);
    CHECK(sequences.text(one).data() == five.data());
    CHECK(sequences.text(both).empty());
    sequences.set_text(both, both_text.data());
    CHECK(sequences.text(both) == both_text);
    sequences.forget_texts();
    CHECK(sequences.text(both).empty());
    CHECK(sequences.text(one) == five);
}

TEST_CASE("the next turn begins with nothing") {
    Sequences sequences;
    (void)sequences.next(Sequences::none, 0, "old");
    sequences.clear();
    const std::string fresh = "new";
    const auto again = sequences.next(Sequences::none, 0, fresh);
    CHECK(sequences.text(again).data() == fresh.data());
    CHECK(sequences.size() == 2);
}

TEST_CASE("whatever sockets are sent, each has its own frames in their order") {
    std::mt19937 random(20);
    for (int round = 0; round < 50; ++round) {
        Sequences sequences;
        constexpr std::size_t sockets = 20;
        std::vector<SequenceId> at(sockets, Sequences::none);
        std::vector<Frames> expected(sockets);
        for (FrameId frame = 0; frame < 40; ++frame) {
            // Either everybody, or some.
            const bool is_for_all = random() % 3 == 0;
            for (std::size_t i = 0; i < sockets; ++i) {
                if (!is_for_all && random() % 4 != 0) continue;
                at[i] = sequences.next(at[i], frame, "x");
                expected[i].push_back(frame);
            }
        }
        for (std::size_t i = 0; i < sockets; ++i) {
            REQUIRE(frames_of(sequences, at[i]) == expected[i]);
            REQUIRE(sequences.bytes(at[i]) == expected[i].size());
        }
    }
}
