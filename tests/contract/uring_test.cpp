#include "daemon/edge/uring.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

using namespace roost;

namespace {

// Two ends of one connection: what is sent into the first is read from the second.
struct Pair {
    Pair() {
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) ==
                0);
    }
    ~Pair() {
        for (const int end : ends) close(end);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    int in() const { return ends[0]; }
    std::string read_all() const {
        std::string all;
        std::array<char, 65'536> piece{};
        for (;;) {
            const auto count = ::read(ends[1], piece.data(), piece.size());
            if (count <= 0) return all;
            all.append(piece.data(), static_cast<std::size_t>(count));
        }
    }
    // Nobody reads, and nothing more goes in.
    std::string fill() const {
        std::string all;
        const std::string piece(1000, 'f');
        for (;;) {
            const auto count = ::send(ends[0], piece.data(), piece.size(), MSG_DONTWAIT);
            if (count <= 0) return all;
            all.append(piece, 0, static_cast<std::size_t>(count));
        }
    }

    std::array<int, 2> ends{};
};

// Where the kernel, or who runs the tests, allows none, there is nothing to test.
std::unique_ptr<Uring> ring() {
    auto uring = Uring::open();
    if (uring) return std::move(*uring);
    WARN("io_uring is refused here: " << uring.error());
    return nullptr;
}

int ring_descriptor() {
    int found = -1;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code error;
        const auto target = std::filesystem::read_symlink(entry.path(), error);
        if (target == "anon_inode:[io_uring]") found = std::stoi(entry.path().filename().string());
    }
    return found;
}

}  // namespace

TEST_CASE("a batch of sends arrives, each at its own socket, time after time") {
    const auto uring = ring();
    if (!uring) return;
    std::vector<Pair> pairs(Uring::sends_max);
    std::vector<std::string> expected(pairs.size());
    for (int turn = 0; turn < 5; ++turn) {
        std::vector<std::string> texts;
        for (std::uint32_t i = 0; i < pairs.size(); ++i) {
            texts.push_back(std::to_string(turn) + " for " + std::to_string(i) + ". ");
            expected[i] += texts.back();
        }
        for (std::uint32_t i = 0; i < pairs.size(); ++i) uring->add(pairs[i].in(), texts[i], i);
        CHECK(uring->send().empty());
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) CHECK(pairs[i].read_all() == expected[i]);
    CHECK(uring->failure().empty());
}

TEST_CASE("a socket that takes a part says how much, and one that is full takes nothing") {
    const auto uring = ring();
    if (!uring) return;
    const Pair part, full, fine;
    const std::string before = full.fill();
    const std::string much(4'000'000, 'm');
    uring->add(part.in(), much, 7);
    uring->add(full.in(), "no room", 8);
    uring->add(fine.in(), "fine", 9);
    const auto shorts = uring->send();
    REQUIRE(shorts.size() == 2);
    CHECK(shorts[0].tag == 7);
    CHECK(shorts[0].error == 0);
    CHECK(shorts[0].taken > 0);
    CHECK(shorts[0].taken < much.size());
    CHECK(part.read_all().size() == shorts[0].taken);
    CHECK(shorts[1].tag == 8);
    CHECK(shorts[1].error == 0);
    CHECK(shorts[1].taken == 0);
    CHECK(full.read_all() == before);
    CHECK(fine.read_all() == "fine");
}

TEST_CASE("a broken socket is named with its error, and the others are served") {
    const auto uring = ring();
    if (!uring) return;
    const Pair fine;
    Pair gone;
    close(gone.ends[1]);
    uring->add(gone.in(), "to nobody", 1);
    uring->add(fine.in(), "fine", 2);
    uring->add(-1, "to no socket", 3);
    const auto shorts = uring->send();
    REQUIRE(shorts.size() == 2);
    CHECK(shorts[0].tag == 1);
    CHECK(shorts[0].error == EPIPE);
    CHECK(shorts[1].tag == 3);
    CHECK(shorts[1].error == EBADF);
    CHECK(fine.read_all() == "fine");
    CHECK(uring->failure().empty());
    gone.ends[1] = -1;
}

TEST_CASE("a ring that fails has sent nothing of what it was given, says so, and is used no more") {
    const auto uring = ring();
    if (!uring) return;
    const int descriptor = ring_descriptor();
    REQUIRE(descriptor >= 0);
    const Pair one, two;
    // Something else has its place: the kernel knows of no ring there.
    REQUIRE(dup2(one.in(), descriptor) == descriptor);
    uring->add(one.in(), "one", 1);
    uring->add(two.in(), "two", 2);
    const auto shorts = uring->send();
    REQUIRE(shorts.size() == 2);
    for (std::uint32_t i = 0; i < 2; ++i) {
        CHECK(shorts[i].tag == i + 1);
        CHECK(shorts[i].taken == 0);
        CHECK(shorts[i].error == 0);
    }
    CHECK_FALSE(uring->failure().empty());
    CHECK(one.read_all().empty());
}

TEST_CASE("without a free descriptor there is no ring, and it is said why") {
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto uring = Uring::open();
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE_FALSE(uring);
    CHECK_FALSE(uring.error().empty());
}
