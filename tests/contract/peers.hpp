// peers: nodes that listen to one publisher, with the real sockets, in one loop.
//
// The answer to a fence is a peer's proof that everything it has subscribed to before is in force:
// then it unsubscribes from the fence, as Group does.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "tests/contract/edge_thread.hpp"

namespace roost::contract {

class Peers {
public:
    // Nobody listens to anything yet. Their incarnations are counted from the first.
    Peers(std::size_t count, Incarnation first, const std::vector<GroupKey>& keys = {});
    ~Peers();

    std::size_t size() const { return peers_.size(); }

    // To the buckets, and to heartbeats.
    void subscribe(std::size_t peer, const std::vector<Bucket>& buckets);
    void listen(std::size_t peer, const Endpoint& publisher);
    group::FenceId make_fence(std::size_t peer);
    bool is_answered(const group::FenceId& fence);
    // How often the sockets have said that there is a link (again).
    std::size_t links(std::size_t peer);

    // Of the probe `number`: how many came, in how many buckets.
    struct Probed {
        std::size_t messages = 0, buckets = 0;
        bool operator==(const Probed&) const = default;
    };
    Probed probed(std::size_t peer, std::uint64_t number);

    // Of the stream.
    struct Heard {
        std::uint64_t messages = 0, last = 0;
        Duration longest_pause{};
    };
    Heard heard(std::size_t peer);
    // The pause counts from now on.
    void forget_pauses(std::size_t peer);

private:
    struct Peer {
        BoundSockets bound;
        std::size_t links = 0;
        std::uint64_t last_fence = 0;
        std::set<std::uint64_t> open_fences;
        std::uint64_t probe = 0;
        Probed probed;
        std::vector<bool> has_probe;
        Heard heard;
        Time heard_at{};
    };

    void on_published(std::size_t peer, std::string_view bytes);
    void on_fence_answer(Peer& peer, const group::FenceAnswer& answer);
    void on_broadcast(Peer& peer, const Broadcast& broadcast);

    const Incarnation first_;
    EdgeThread edge_;
    std::vector<Peer> peers_;
};

}  // namespace roost::contract
