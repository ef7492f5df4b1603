// group_sockets: the ZeroMQ sockets between nodes.
//
// XPUB and ROUTER are bound, SUB and the DEALERs connected. With keys, all of them speak CURVE: who
// is called answers with the first, who calls uses the one that it is told to.
//
// A translator: it knows sockets and endpoints, not nodes. High-water marks are set from evidence:
// a SUB with a limit on what it sends drops subscriptions silently, and a limit on what is received
// aborts the process in libzmq 4.3.4 when heartbeats meet a slow reader. One loop, one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/core/group.hpp"
#include "daemon/edge/loop.hpp"
#include "proto/broadcast.hpp"
#include "proto/endpoint.hpp"
#include "proto/group_key.hpp"

namespace zmq {
class context_t;
}

namespace roost {

struct GroupSocketEvents {
    std::function<void(std::string_view key)> on_subscription;
    std::function<void(std::string_view bytes)> on_published;
    std::function<void(const std::string& route, const std::string& host, std::string_view bytes)>
        on_call;
    std::function<void(ContactId, std::string_view bytes)> on_answer;
    std::function<void(const Endpoint& publisher)> on_link;
    std::function<void(ContactId, const std::string& reason)> on_handshake_failed;
    // Callers that were not let in: a key that is none of the group's, or a handshake that failed
    // before (the host is empty if it is not known).
    std::function<void(const std::string& host)> on_not_admitted;
    std::function<void(const std::string& host, const std::string& reason)> on_turned_away;
};

class GroupSockets {
public:
    // Binds the ROUTER to `listen` and the XPUB to the port above. Throws StartError.
    GroupSockets(Loop& loop, zmq::context_t& context, const Endpoint& listen,
                 std::vector<GroupKey> keys, std::size_t queue_bytes_max, GroupSocketEvents events);
    ~GroupSockets();

    void open_contact(ContactId contact, const Endpoint& router, std::size_t key);
    void close_contact(ContactId contact);
    bool to_contact(ContactId contact, std::string_view bytes);
    bool answer(const std::string& route, std::string_view bytes);
    void listen_to(const Endpoint& publisher, std::size_t key);
    void stop_listening_to(const Endpoint& publisher);
    void subscribe(std::string_view key);
    void unsubscribe(std::string_view key);
    void publish(std::string_view bytes);
    // Its bytes are shared, not copied. False if too much waits for slow peers already: they will
    // notice, and ask for it.
    bool broadcast(const BroadcastRef& broadcast);
    std::size_t queued_bytes() const;
    std::uint64_t broadcasts_shed() const;
    // That no other node wanted.
    std::uint64_t broadcasts_skipped() const;
    bool service();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
