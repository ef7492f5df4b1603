#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "proto/group_wire.hpp"
#include "tests/unit/made.hpp"

using namespace roost;
using namespace roost::group;
using namespace roost::test;
using namespace std::string_literals;

namespace {

// A message, and the bytes of it that other nodes know.
struct Vector {
    const char* name;
    std::string made;
    std::string bytes;
    bool is_directed = true;
};

const std::string broadcast_bytes(made({1, 2}, 3)->wire());

const std::vector<Vector> vectors = {
    {"where", encode(Where{7, {0x3F79, 0xFFFF}}),
     "\x93\xA5where\x01\x92\x07\xC4\x04\x3F\x79\xFF\xFF"s},
    {"where of nothing", encode(Where{300, {}}), "\x93\xA5where\x01\x92\xCD\x01\x2C\xC4\x00"s},
    {"marks", encode(Marks{7, {0x3F79, 1}, {{3, 0x3F79, 258}}}),
     "\x93\xA5marks\x01\x93\x07\xC4\x04\x3F\x79\x00\x01\xC4\x0B"
     "\x03\x3F\x79\x00\x00\x00\x00\x00\x00\x01\x02"s},
    {"marks of nothing", encode(Marks{UINT64_MAX, {}, {}}),
     "\x93\xA5marks\x01\x93\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xC4\x00\xC4\x00"s},
    {"repair", encode(Repair{{{3, 0x3F79, 5, 300}, {255, 0, 1, UINT64_MAX}}}),
     "\x93\xA6repair\x01\x92\x94\x03\xCD\x3F\x79\x05\xCD\x01\x2C"
     "\x94\xCC\xFF\x00\x01\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s},
    {"repaired", encode(Repaired{{{3, 0x3F79, 5, 5}}}),
     "\x93\xA8repaired\x01\x91\x94\x03\xCD\x3F\x79\x05\x05"s},
    {"repaired nothing", encode(Repaired{}), "\x93\xA8repaired\x01\x90"s},
    {"history question", encode(HistoryQuestion{7, "room:1", 100}),
     "\x93\xA8history?\x01\x93\x07\xA6room:1\x64"s},
    {"history",
     encode(HistoryAnswer{7, {{{0x1F, 3}, 4, 9, {}}, {{2, 0}, 0, 1, 300}}, {{5, "\x01x"}}}),
     "\x93\xA7history\x01\x93\x07"
     "\x92\x96\x1F\x03\x04\x09\xC2\x00\x96\x02\x00\x00\x01\xC3\xCD\x01\x2C"
     "\x91\x92\x05\xC4\x02\x01x"s},
    {"history of nothing", encode(HistoryAnswer{7, {}, {}}),
     "\x93\xA7history\x01\x93\x07\x90\x90"s},
    {"poll question",
     encode(PollQuestion{7, {{{0x1F, 3}, "0123456789abcdef"}, PollKind::lines, "[1]"}}),
     "\x93\xA5poll?\x01\x96\x07\x1F\x03\xC4\x10"
     "0123456789abcdef\x01\xC4\x03[1]"s},
    {"poll reply", encode(PollReply{7, {204, "{}"}}),
     "\x93\xA4poll\x01\x93\x07\xCC\xCC\xC4\x02{}"s},
    {"offer", encode(Offer{0x1F, {{backend::Kind::connect, ""}, {backend::Kind::push, "room:*"}}}),
     "\x93\xA5offer\x01\x92\x1F\x92\x92\x00\xA0\x92\x02\xA6room:*"s},
    {"backend question", encode(BackendQuestion{"abc"}),
     "\x93\xA4"
     "ask?\x01\x91\xC4\x03"
     "abc"s},
    {"backend reply", encode(BackendReply{7, backend::Outcome::Kind::late, ""}),
     "\x93\xA3"
     "ask\x01\x93\x07\x03\xC4\x00"s},
    {"a message that was asked for again", broadcast_bytes, broadcast_bytes},
    {"heartbeat", encode(Heartbeat{5, true, 300, {{1, 2, 3}, {255, 0x3F79, 4}}}),
     "\x00\x94\x05\xC3\xCD\x01\x2C\x92\x93\x01\x02\x03\x93\xCC\xFF\xCD\x3F\x79\x04"s, false},
    {"fence answer",
     encode(FenceAnswer{{{0x0102030405060708, 9}, {0x3F79}}, 0x0A, {{3, 0x3F79, 258}}}),
     "\xFF\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x00\x00\x09\x01\x3F\x79"
     "\x00\x00\x00\x00\x00\x00\x00\x0A\x03\x3F\x79\x00\x00\x00\x00\x00\x00\x01\x02"s,
     false},
};

template <class T>
bool is_stable(const T& message) {
    if constexpr (std::is_same_v<T, BroadcastRef>) {
        const auto again = Broadcast::parse(message->wire());
        return again && (*again)->topic() == message->topic();
    } else if constexpr (std::is_same_v<T, OtherVersion>) {
        return true;
    } else if constexpr (std::is_same_v<T, Heartbeat> || std::is_same_v<T, FenceAnswer>) {
        const auto again = decode_published(encode(message));
        return again && std::holds_alternative<T>(*again) && std::get<T>(*again) == message;
    } else {
        const auto again = decode_directed(encode(message));
        return again && std::holds_alternative<T>(*again) && std::get<T>(*again) == message;
    }
}

// Whatever the bytes are: they are refused with a sentence, or mean something that can be said.
bool is_harmless(const std::string& bytes) {
    const auto directed = decode_directed(bytes);
    const auto published = decode_published(bytes);
    if (!directed && directed.error().empty()) return false;
    if (!published && published.error().empty()) return false;
    const auto stable = [](const auto& message) { return is_stable(message); };
    return (!directed || std::visit(stable, *directed)) &&
           (!published || std::visit(stable, *published));
}

bool is_read(const Vector& vector, const std::string& bytes) {
    return vector.is_directed ? decode_directed(bytes).has_value()
                              : decode_published(bytes).has_value();
}

}  // namespace

// Other nodes, perhaps of another release, write and read these bytes.
TEST_CASE("messages between nodes have the bytes of the specification, and are read again") {
    for (const auto& vector : vectors) {
        CAPTURE(vector.name);
        CHECK(vector.made == vector.bytes);
        CHECK(is_read(vector, vector.bytes));
        CHECK(is_harmless(vector.bytes));
    }
}

TEST_CASE("a message between nodes that is cut anywhere does no harm") {
    for (const auto& vector : vectors) {
        CAPTURE(vector.name);
        for (std::size_t size = 0; size < vector.bytes.size(); ++size) {
            CAPTURE(size);
            const auto cut = vector.bytes.substr(0, size);
            REQUIRE(is_harmless(cut));
            // A fence's answer is as long as it is: without its last mark it is another one.
            const bool is_whole = vector.bytes[0] == fence_key && vector.bytes.size() - size == 11;
            CHECK(is_read(vector, cut) == is_whole);
        }
        CHECK_FALSE(is_read(vector, vector.bytes + "\x01"));
    }
}

TEST_CASE("a message between nodes with one byte changed, to anything, does no harm") {
    for (const auto& vector : vectors) {
        CAPTURE(vector.name);
        for (std::size_t at = 0; at < vector.bytes.size(); ++at) {
            CAPTURE(at);
            auto changed = vector.bytes;
            for (int value = 0; value < 256; ++value) {
                changed[at] = static_cast<char>(value);
                REQUIRE(is_harmless(changed));
            }
        }
    }
}

TEST_CASE("messages between nodes with many bytes changed, lost or doubled do no harm") {
    std::mt19937 random(17);
    for (int i = 0; i < 30'000; ++i) {
        CAPTURE(i);
        auto bytes = vectors[random() % vectors.size()].bytes;
        for (auto changes = random() % 4 + 1; changes > 0 && !bytes.empty(); --changes) {
            const auto at = random() % bytes.size();
            switch (random() % 3) {
                case 0: bytes[at] = static_cast<char>(random()); break;
                case 1: bytes.erase(at, random() % 4); break;
                default: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 8));
            }
        }
        REQUIRE(is_harmless(bytes));
    }
}

TEST_CASE("buckets and marks that end in the middle of one are refused") {
    CHECK_FALSE(decode_directed("\x93\xA5where\x01\x92\x07\xC4\x03\x3F\x79\xFF"s));
    CHECK_FALSE(
        decode_directed("\x93\xA5marks\x01\x93\x07\xC4\x00\xC4\x0A\x03\x3F\x79"
                        "\x00\x00\x00\x00\x00\x00\x01"s));
    auto answer = encode(FenceAnswer{{{1, 2}, {}}, 3, {{1, 2, 3}}});
    for (std::size_t more = 1; more < 11; ++more) {
        CHECK_FALSE(decode_published(answer + std::string(more, 'x')));
    }
    CHECK(decode_published(answer + std::string(11, 'x')));
}

TEST_CASE("a range that is none is refused") {
    CHECK(decode_directed(encode(Repair{{{0, 0, 1, 1}}})));
    CHECK_FALSE(decode_directed(encode(Repair{{{0, 0, 0, 1}}})));
    CHECK_FALSE(decode_directed(encode(Repair{{{0, 0, 2, 1}}})));
    CHECK_FALSE(decode_directed(encode(Repaired{{{0, 0, 0, 0}}})));
}

TEST_CASE("lists that are too long are refused") {
    CHECK(decode_directed(encode(Repair{std::vector<Range>(4096, {0, 0, 1, 1})})));
    CHECK_FALSE(decode_directed(encode(Repair{std::vector<Range>(4097, {0, 0, 1, 1})})));
    CHECK_FALSE(decode_directed(encode(HistoryQuestion{1, std::string(1025, 't'), 1})));
    CHECK(decode_directed(encode(HistoryQuestion{1, std::string(1024, 't'), 1})));
}

TEST_CASE("an answer about history holds as much as a node may send") {
    HistoryAnswer answer{1, {}, {}};
    for (int i = 0; i < 9; ++i) answer.messages.push_back({1, std::string(1'000'000, 'x')});
    CHECK(is_harmless(encode(answer)));
    CHECK(decode_directed(encode(answer)));
    answer.messages.assign(20, {1, std::string(1'000'000, 'x')});
    CHECK_FALSE(decode_directed(encode(answer)));
}

TEST_CASE("a whole history of small messages, or of one big message, fits an answer") {
    HistoryAnswer answer{1, {}, {}};
    answer.messages.assign(30'000, {1, "x"});
    CHECK(decode_directed(encode(answer)));
    answer.messages.assign(1, {1, std::string(8'000'000, 'x')});
    CHECK(decode_directed(encode(answer)));
}

TEST_CASE("a broadcast that is sent again has to be of this group's buckets") {
    const auto few = Broadcast::encode({1, 2}, 3, {"room:a", "ev", "{}", {}}, 8);
    CHECK(decode_directed(few->wire(), 8));
    CHECK_FALSE(decode_directed(few->wire(), 16));
    CHECK(decode_published(few->wire(), 8));
    CHECK_FALSE(decode_published(broadcast_bytes, 8));
}
