// Links that flap: what becomes of the subscriptions, and what it costs the publisher.
//
// SEED=n repeats a storm.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <random>

#include "tests/contract/cables.hpp"
#include "tests/contract/peers.hpp"
#include "tests/contract/publishing_node.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

using namespace roost;
using namespace roost::contract;

namespace {

constexpr std::size_t peer_count = IS_SANITIZED ? 4 : 20;
constexpr std::size_t bucket_count = IS_SANITIZED ? 2'048 : std::size_t{1} << bucket_bits_max;
// Of one subscription to a bucket on the wire.
constexpr std::size_t subscription_bytes = 15;
constexpr auto patience = std::chrono::seconds(60);
// Nobody has to be so slow; how long it takes is for a benchmark to say.
constexpr Duration pause_max = std::chrono::seconds(10);

template <class Condition>
bool until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

std::vector<Bucket> first_buckets(std::size_t count) {
    std::vector<Bucket> buckets(count);
    std::iota(buckets.begin(), buckets.end(), Bucket{0});
    return buckets;
}

double ms(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

std::uint64_t seed() {
    const char* given = std::getenv("SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// A publisher, and peers that listen to it by cables.
struct Scene {
    explicit Scene(std::size_t count, const std::vector<GroupKey>& keys = {})
        : publisher(keys), cables(count, publisher.endpoint()), peers(count, 100, keys) {}

    void connect(const std::vector<Bucket>& buckets) {
        for (std::size_t i = 0; i < peers.size(); ++i) {
            peers.subscribe(i, buckets);
            peers.listen(i, cables.end_of(i));
        }
    }

    template <class Condition>
    bool is_true_of_all(Condition condition) {
        for (std::size_t i = 0; i < peers.size(); ++i) {
            if (!condition(i)) return false;
        }
        return true;
    }

    // Each peer has a connection that nothing will cut, and the proof that its subscriptions are
    // in force there.
    bool settle() {
        if (!until([&] { return is_true_of_all([&](auto i) { return cables.is_at_rest(i); }); })) {
            return false;
        }
        std::vector<group::FenceId> fences;
        for (std::size_t i = 0; i < peers.size(); ++i) fences.push_back(peers.make_fence(i));
        return until(
            [&] { return is_true_of_all([&](auto i) { return peers.is_answered(fences[i]); }); });
    }

    bool have_all(std::size_t messages) {
        const Peers::Probed exactly{messages, messages};
        return is_true_of_all([&](auto i) { return peers.probed(i, probe) == exactly; });
    }

    // Of one message in each of the buckets, to each peer. They are published no faster than they
    // are received: beyond its backlog the publisher drops messages, and rightly so.
    std::size_t missing_of(const std::vector<Bucket>& buckets) {
        ++probe;
        constexpr std::size_t burst = 4'096;
        for (std::size_t at = 0; at < buckets.size(); at += burst) {
            const std::size_t end = std::min(buckets.size(), at + burst);
            publisher.publish({buckets.begin() + static_cast<std::ptrdiff_t>(at),
                               buckets.begin() + static_cast<std::ptrdiff_t>(end)},
                              probe);
            if (!until([&] { return have_all(end); })) break;
        }
        std::size_t missing = 0;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            missing += buckets.size() - peers.probed(i, probe).buckets;
        }
        return missing;
    }

    PublishingNode publisher;
    Cables cables;
    Peers peers;
    std::uint64_t probe = 0;
};

// One more peer, with a link of its own that is never cut: it hears whether publishing goes on.
struct Bystander {
    explicit Bystander(PublishingNode& publisher_, const std::vector<GroupKey>& keys = {})
        : publisher(publisher_), peer(1, 99, keys) {
        peer.subscribe(0, {stream});
        peer.listen(0, publisher.endpoint());
        const auto fence = peer.make_fence(0);
        REQUIRE(until([&] { return peer.is_answered(fence); }));
        publisher.start_stream(stream);
        REQUIRE(until([&] { return peer.heard(0).messages > 0; }));
        look_away();
    }

    void look_away() {
        publisher.take_effort();
        peer.forget_pauses(0);
    }

    // What has happened since the last report. Then `keys` subscriptions were made.
    void report(const char* what, std::size_t keys) {
        const auto effort = publisher.take_effort();
        const Duration pause = peer.heard(0).longest_pause;
        std::printf("%-28s pause %7.1f ms, one call %7.1f ms, publisher's cpu %7.1f ms", what,
                    ms(pause), ms(std::max(effort.longest_publish, effort.longest_service)),
                    ms(effort.cpu));
        if (keys > 0) {
            std::printf(", %.2f us per subscription",
                        1000 * ms(effort.cpu) / static_cast<double>(keys));
        }
        std::printf("\n");
        std::fflush(stdout);
        CHECK(pause < pause_max);
        look_away();
    }

    static constexpr Bucket stream = 7;
    PublishingNode& publisher;
    Peers peer;
};

}  // namespace

TEST_CASE("a storm of reconnects loses no subscription, and publishing goes on") {
    const std::uint64_t storm_seed = seed();
    INFO("SEED=" << storm_seed);
    std::mt19937_64 random(storm_seed);
    std::printf("%zu peers, %zu buckets, SEED=%llu\n", peer_count, bucket_count,
                static_cast<unsigned long long>(storm_seed));
    const auto buckets = first_buckets(bucket_count);

    Scene scene(peer_count);
    Bystander bystander(scene.publisher);

    scene.connect(buckets);
    REQUIRE(scene.settle());
    bystander.report("all links come up", peer_count * bucket_count);

    scene.cables.cut(0, Cut::whole);
    REQUIRE(scene.settle());
    bystander.report("one link flaps", bucket_count);

    for (std::size_t i = 0; i < peer_count; ++i) scene.cables.cut(i, Cut::whole);
    REQUIRE(scene.settle());
    bystander.report("all links flap", peer_count * bucket_count);

    // Again and again, before the subscriptions have been sent.
    std::uniform_int_distribution<std::size_t> bytes(0, subscription_bytes * bucket_count);
    for (const std::size_t flapping : {peer_count, peer_count / 2}) {
        std::vector<std::size_t> order(peer_count);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::shuffle(order.begin(), order.end(), random);
        order.resize(flapping);
        for (const std::size_t i : order) {
            const Cut cut = random() % 2 == 0 ? Cut::whole : Cut::half;
            scene.cables.cut_after(i, {bytes(random), bytes(random)}, cut);
            scene.cables.cut(i, cut);
        }
        REQUIRE(scene.settle());
        bystander.report("links flap again and again", 0);
        std::vector<Bucket> sample;
        std::sample(buckets.begin(), buckets.end(), std::back_inserter(sample), 1'000, random);
        CHECK(scene.missing_of(sample) == 0);
    }

    bystander.look_away();
    CHECK(scene.missing_of(buckets) == 0);
    CHECK(scene.have_all(buckets.size()));
    bystander.report("a message in each bucket", 0);

    const std::uint64_t last = scene.publisher.stop_stream();
    CHECK(until([&] { return bystander.peer.heard(0).last == last; }));
    CHECK(bystander.peer.heard(0).messages == last);
}

TEST_CASE("with a group key no subscription is lost either") {
    const std::vector<GroupKey> keys{GroupKey{1}};
    const auto buckets = first_buckets(bucket_count);
    Scene scene(2, keys);
    Bystander bystander(scene.publisher, keys);
    scene.connect(buckets);
    REQUIRE(scene.settle());
    bystander.look_away();
    scene.cables.cut(0, Cut::whole);
    REQUIRE(scene.settle());
    bystander.report("one link flaps, with a key", bucket_count);
    scene.cables.cut_after(1, {subscription_bytes * bucket_count}, Cut::half);
    for (std::size_t i = 0; i < 2; ++i) scene.cables.cut(i, Cut::half);
    REQUIRE(scene.settle());
    CHECK(scene.missing_of(buckets) == 0);
}

TEST_CASE("a link is told each time it comes up") {
    Scene scene(1);
    scene.connect({1});
    for (std::size_t flaps = 0; flaps < 3; ++flaps) {
        REQUIRE(scene.settle());
        CHECK(scene.cables.connections(0) == flaps + 1);
        CHECK(until([&] { return scene.peers.links(0) == flaps + 1; }));
        scene.cables.cut(0, Cut::whole);
    }
}

// libzmq tells a key only when nobody had it. Of a link that has broken the publisher may not know
// yet: then the peer's own old subscription hides the new one, and a fence that was open stays so.
TEST_CASE("a fence made on a new link is answered though the old link is not known to be dead") {
    Scene scene(1);
    const auto buckets = first_buckets(256);
    scene.connect(buckets);
    REQUIRE(scene.settle());

    scene.cables.mute(0);
    const auto old = scene.peers.make_fence(0);
    REQUIRE(until([&] { return scene.publisher.fences_seen(old) == 1; }));
    scene.cables.cut(0, Cut::half);
    REQUIRE(scene.settle());
    CHECK(scene.missing_of(buckets) == 0);
    std::printf("the fence that was open when the link broke: %s\n",
                scene.peers.is_answered(old) ? "answered" : "not answered");
}

namespace {

// A publisher that tells each subscription.
class Recorder {
public:
    Recorder() {
        socket_.set(zmq::sockopt::xpub_verbose, 1);
        socket_.set(zmq::sockopt::rcvhwm, 0);
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::rcvtimeo,
                    static_cast<int>(std::chrono::milliseconds(patience).count()));
        socket_.bind("tcp://127.0.0.1:*");
    }

    Endpoint endpoint() const {
        return *parse_endpoint(socket_.get(zmq::sockopt::last_endpoint).substr(6));
    }

    // As far as the key `last`.
    std::vector<std::string> keys_until(const std::string& last) {
        std::vector<std::string> keys;
        zmq::message_t message;
        while (keys.empty() || keys.back() != last) {
            if (!socket_.recv(message)) break;
            const std::string text = message.to_string();
            if (text.starts_with('\1')) keys.push_back(text.substr(1));
        }
        return keys;
    }

private:
    zmq::context_t context_;
    zmq::socket_t socket_{context_, zmq::socket_type::xpub};
};

bool is_less(const std::string& a, const std::string& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
    });
}

}  // namespace

TEST_CASE("subscriptions are sent again in byte order, the fences last, and all of them") {
    Recorder recorder;
    Cables cables(1, recorder.endpoint());
    Peers peers(1, 100);
    const std::string fence = group::key_of({peers.make_fence(0), {}});
    auto buckets = first_buckets(bucket_count);
    std::shuffle(buckets.begin(), buckets.end(), std::mt19937_64(1));
    peers.subscribe(0, buckets);

    std::vector<std::string> sorted{fence, std::string(1, group::heartbeat_key)};
    for (const Bucket bucket : buckets) sorted.push_back(group::bucket_key(bucket));
    std::sort(sorted.begin(), sorted.end(), is_less);
    REQUIRE(sorted.back() == fence);

    peers.listen(0, cables.end_of(0));
    CHECK(recorder.keys_until(fence) == sorted);
    cables.cut(0, Cut::whole);
    CHECK(recorder.keys_until(fence) == sorted);

    // Nothing that waited for the broken link is sent by the next one before the whole.
    cables.cut_after(0, {subscription_bytes * bucket_count / 2}, Cut::whole);
    cables.cut(0, Cut::whole);
    const auto keys = recorder.keys_until(fence);
    REQUIRE(keys.size() >= sorted.size());
    const auto whole = keys.end() - static_cast<std::ptrdiff_t>(sorted.size());
    CHECK(std::equal(keys.begin(), whole, sorted.begin()));
    CHECK(std::equal(whole, keys.end(), sorted.begin()));
}

namespace {

std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t pages = 0;
    file >> pages >> pages;
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

struct Memory {
    std::size_t resident = resident_bytes();
    std::size_t used = mallinfo2().uordblks + mallinfo2().hblkhd;
};

// Peers in a process of their own: `step` lets one of them come, and then the others.
class PeersApart {
public:
    PeersApart() {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        std::fflush(stdout);
        child_ = fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            close(ends[1]);
            run(ends[0]);
            _exit(0);
        }
        close(ends[0]);
        control_ = ends[1];
    }
    ~PeersApart() {
        close(control_);
        waitpid(child_, nullptr, 0);
    }
    void step(const Endpoint& publisher) {
        REQUIRE(write(control_, &publisher.port, sizeof publisher.port) == sizeof publisher.port);
    }

private:
    static void run(int control) {
        Peers peers(peer_count, 100);
        std::size_t next = 0;
        Endpoint publisher{"127.0.0.1", 0};
        for (const std::size_t end : {std::size_t{1}, peer_count}) {
            if (read(control, &publisher.port, sizeof publisher.port) <= 0) return;
            for (; next < end; ++next) {
                peers.subscribe(next, first_buckets(bucket_count));
                peers.listen(next, publisher);
                peers.make_fence(next);
            }
        }
        // Until the other end is closed.
        while (read(control, &publisher.port, sizeof publisher.port) > 0) continue;
    }

    pid_t child_ = -1;
    int control_ = -1;
};

}  // namespace

TEST_CASE("what the subscriptions weigh at the publisher") {
    // Before this process has threads.
    PeersApart peers;
    PublishingNode publisher;
    const Memory before;
    peers.step(publisher.endpoint());
    REQUIRE(until([&] { return publisher.fences_seen() == 1; }));
    const Memory one;
    peers.step(publisher.endpoint());
    REQUIRE(until([&] { return publisher.fences_seen() == peer_count; }));
    const Memory all;

    const auto print = [](const char* what, const Memory& from, const Memory& to,
                          std::size_t count) {
        const auto keys = static_cast<double>(count * bucket_count);
        const double used = static_cast<double>(to.used) - static_cast<double>(from.used);
        const double resident =
            static_cast<double>(to.resident) - static_cast<double>(from.resident);
        std::printf("%-28s %6.1f MB in use, %6.1f MB resident: %5.1f and %5.1f bytes each\n", what,
                    used / 1e6, resident / 1e6, used / keys, resident / keys);
        return used / keys;
    };
    const double first = print("subscriptions of one peer", before, one, 1);
    const double further = print("of each that follows", one, all, peer_count - 1);
    std::printf("publisher altogether %.1f MB resident\n", static_cast<double>(all.resident) / 1e6);
    if (!IS_SANITIZED) {
        CHECK(first < 400);
        CHECK(further < 150);
    }
}
