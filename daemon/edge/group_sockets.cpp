#include "daemon/edge/group_sockets.hpp"

#include <arpa/inet.h>

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <utility>
#include <zmq.hpp>

#include "daemon/core/wanted_buckets.hpp"
#include "daemon/edge/gatekeeper.hpp"
#include "daemon/edge/link_monitor.hpp"
#include "daemon/edge/log.hpp"
#include "daemon/edge/start_error.hpp"
#include "daemon/edge/zmq_port.hpp"
#include "proto/limits.hpp"
#include "proto/zap.hpp"

namespace roost {

namespace {

constexpr int unlimited = 0;
// Messages waiting for one slow peer in libzmq. Beyond it they are dropped, and their numbers tell.
constexpr int publish_backlog = 20'000;
// Answers to a peer: more than one answer to a repair holds.
constexpr int answer_backlog = 10'000;
// A length is the first thing a stranger can lie about, and libzmq allocates what it says: 8 MB
// where posts of clients that poll come in.
constexpr std::int64_t subscription_bytes_max = 1024;
constexpr std::int64_t directed_bytes_max = limits::group_call_bytes_max;
constexpr std::int64_t broadcast_bytes_max = 128'000'000;  // above the greatest --max-frame-bytes
// A dead link is given up after this, so that a healed network is used at once.
constexpr int link_heartbeat_ms = 1000;
constexpr int link_timeout_ms = 3000;

std::string_view view(const zmq::message_t& message) {
    return {static_cast<const char*>(message.data()), message.size()};
}

void set_link_options(zmq::socket_t& socket) {
    socket.set(zmq::sockopt::rcvhwm, unlimited);
    socket.set(zmq::sockopt::heartbeat_ivl, link_heartbeat_ms);
    socket.set(zmq::sockopt::heartbeat_timeout, link_timeout_ms);
    socket.set(zmq::sockopt::reconnect_ivl, 100);
    socket.set(zmq::sockopt::reconnect_ivl_max, 1000);
    socket.set(zmq::sockopt::connect_timeout, 2000);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::ipv6, true);
}

// Every node has the pair of the group, as the one who is called and as the one who calls.
void serve_with(zmq::socket_t& socket, const GroupKey& key) {
    socket.set(zmq::sockopt::zap_domain, zap::domain);
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(key));
}

// For what is connected from now on.
void call_with(zmq::socket_t& socket, const GroupKey& key) {
    const GroupKey its_public = public_key_of(key);
    socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(its_public));
    socket.set(zmq::sockopt::curve_publickey, zmq::buffer(its_public));
    socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(key));
}

// Why a call was in vain. What the other side has does not always show: it may hang up before this
// side has read that much. So there is one sentence for what may be told in two ways, in turn.
std::string reason_of_called(LinkEvent::Failure failure, bool has_key) {
    using enum LinkEvent::Failure;
    if (!has_key) {
        return "the handshake failed: it has a group key, this node has none, or it is no node";
    }
    if (failure == not_admitted) return "the handshake failed: it does not admit our group key";
    return "the handshake failed: it has no group key, or another one";
}

// An IPv4 peer of an IPv6 socket.
std::string plain(const std::string& host) {
    return host.starts_with("::ffff:") ? host.substr(7) : host;
}

bool is_numeric(const std::string& host) {
    std::array<char, sizeof(in6_addr)> address{};
    return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

// A peer's address may be no address at all: that is the peer's trouble.
void connect(zmq::socket_t& socket, const Endpoint& endpoint) {
    try {
        socket.connect(endpoint.tcp());
    } catch (const zmq::error_t& error) {
        log_line(LogLevel::warning, "cannot connect to " + endpoint.tcp() + ": " + error.what());
    }
}

void bind(zmq::socket_t& socket, const Endpoint& endpoint) {
    try {
        socket.bind(endpoint.tcp());
    } catch (const zmq::error_t& error) {
        throw StartError::of_errno(error.num(), "cannot bind " + endpoint.tcp() + ": " +
                                                    error.what() +
                                                    " (another daemon? see --group-listen)");
    }
}

}  // namespace

namespace {

struct Dealer {
    ZmqPort port;
    LinkMonitor links;
    Dealer(Loop& loop, zmq::context_t& context, std::uint64_t number, ZmqPort::OnMessage on_message,
           LinkMonitor::OnEvent on_event)
        : port(loop, context, zmq::socket_type::dealer, std::move(on_message)),
          links(loop, context, port.socket(), LinkMonitor::Side::calling, number,
                std::move(on_event)) {}
};

struct Publisher {
    Endpoint endpoint;
    std::size_t key = 0;
    bool is_broken = false;  // libzmq may have given it up
};

}  // namespace

struct GroupSockets::Impl {
    Loop& loop;
    zmq::context_t& context;
    GroupSocketEvents events;
    std::vector<GroupKey> keys;
    std::optional<Gatekeeper> gatekeeper;  // there before the sockets that it guards
    ZmqPort publisher, subscriber, router;
    std::uint64_t last_monitor = 0;
    LinkMonitor publisher_links, subscriber_links, router_links;
    std::map<ContactId, std::unique_ptr<Dealer>> dealers;
    // Of the message that is being received from the router.
    std::string route;
    int parts_before = 0;
    std::map<std::string, Publisher> publishers;  // by what they were connected as
    std::size_t queue_bytes_max = 0;
    std::uint64_t broadcasts_shed = 0, broadcasts_skipped = 0;
    WantedBuckets wanted;
    // Shared with the messages themselves, which ZeroMQ's thread lets go of.
    std::shared_ptr<std::atomic<std::size_t>> queued_bytes =
        std::make_shared<std::atomic<std::size_t>>(0);

    Impl(Loop& loop_, zmq::context_t& context_, std::vector<GroupKey> keys_,
         GroupSocketEvents events_);
    void on_router_part(zmq::message_t& part);
    void on_publisher_link(const LinkEvent& event);
    void on_caller_link(const LinkEvent& event);
    std::vector<Publisher*> publishers_at(const std::string& endpoint);
};

GroupSockets::Impl::Impl(Loop& loop_, zmq::context_t& context_, std::vector<GroupKey> keys_,
                         GroupSocketEvents events_)
    : loop(loop_),
      context(context_),
      events(std::move(events_)),
      keys(std::move(keys_)),
      publisher(loop, context, zmq::socket_type::xpub,
                [this](ZmqPort&, zmq::message_t& message) {
                    const auto bytes = view(message);
                    wanted.on_event(bytes);
                    if (bytes.starts_with('\1')) events.on_subscription(bytes.substr(1));
                }),
      subscriber(loop, context, zmq::socket_type::sub,
                 [this](ZmqPort&, zmq::message_t& message) { events.on_published(view(message)); }),
      router(loop, context, zmq::socket_type::router,
             [this](ZmqPort&, zmq::message_t& part) { on_router_part(part); }),
      publisher_links(loop, context, publisher.socket(), LinkMonitor::Side::called, ++last_monitor,
                      [this](const LinkEvent& event) { on_caller_link(event); }),
      subscriber_links(loop, context, subscriber.socket(), LinkMonitor::Side::calling,
                       ++last_monitor,
                       [this](const LinkEvent& event) { on_publisher_link(event); }),
      router_links(loop, context, router.socket(), LinkMonitor::Side::called, ++last_monitor,
                   [this](const LinkEvent& event) { on_caller_link(event); }) {
    for (ZmqPort* port : {&publisher, &subscriber, &router}) set_link_options(port->socket());
    publisher.socket().set(zmq::sockopt::sndhwm, publish_backlog);
    publisher.socket().set(zmq::sockopt::linger, 200);  // a goodbye still leaves
    subscriber.socket().set(zmq::sockopt::sndhwm, unlimited);
    // libzmq adds up to as much again at random: peers that lost a node at once come back one by
    // one (decisions/0006).
    subscriber.socket().set(zmq::sockopt::reconnect_ivl, 500);
    router.socket().set(zmq::sockopt::router_mandatory, true);
    router.socket().set(zmq::sockopt::sndhwm, answer_backlog);
    publisher.socket().set(zmq::sockopt::maxmsgsize, subscription_bytes_max);
    subscriber.socket().set(zmq::sockopt::maxmsgsize, broadcast_bytes_max);
    router.socket().set(zmq::sockopt::maxmsgsize, directed_bytes_max);

    if (keys.empty()) return;
    std::vector<GroupKey> admitted;
    for (const GroupKey& key : keys) admitted.push_back(public_key_of(key));
    gatekeeper.emplace(loop, context, std::move(admitted),
                       [this](const std::string& host) { events.on_not_admitted(plain(host)); });
    for (ZmqPort* port : {&publisher, &router}) serve_with(port->socket(), keys.front());
}

void GroupSockets::Impl::on_router_part(zmq::message_t& part) {
    if (part.more()) {
        if (parts_before++ == 0) route.assign(view(part));
        return;
    }
    if (std::exchange(parts_before, 0) != 1) return;  // not one of ours
    std::string host;
    try {
        host = part.gets("Peer-Address");
    } catch (const zmq::error_t&) {
        host.clear();
    }
    events.on_call(route, plain(host), view(part));
}

// By an address that was resolved, a publisher with a name is any one of its port.
std::vector<Publisher*> GroupSockets::Impl::publishers_at(const std::string& endpoint) {
    const auto exact = publishers.find(endpoint);
    if (exact != publishers.end()) return {&exact->second};
    const auto at = parse_endpoint(endpoint.starts_with("tcp://") ? endpoint.substr(6) : endpoint);
    if (!at) return {};
    std::vector<Publisher*> found;
    for (auto& [name, one] : publishers) {
        const bool is_same = one.endpoint.host == plain(at->host);
        if (one.endpoint.port == at->port && (is_same || !is_numeric(one.endpoint.host))) {
            found.push_back(&one);
        }
    }
    return found;
}

void GroupSockets::Impl::on_publisher_link(const LinkEvent& event) {
    for (Publisher* one : publishers_at(event.endpoint)) {
        one->is_broken = event.kind == LinkEvent::Kind::failed;
        if (!one->is_broken) events.on_link(one->endpoint);
    }
}

void GroupSockets::Impl::on_caller_link(const LinkEvent& event) {
    if (event.kind != LinkEvent::Kind::failed) return;
    using enum LinkEvent::Failure;
    if (event.failure == mechanism) {
        events.on_turned_away(event.caller, keys.empty() ? "it has a group key, this node has none"
                                                         : "it has no group key");
    } else if (event.failure == key) {
        events.on_turned_away(event.caller, "it has another group key");
    }
}

GroupSockets::GroupSockets(Loop& loop, zmq::context_t& context, const Endpoint& listen,
                           std::vector<GroupKey> keys, std::size_t queue_bytes_max,
                           GroupSocketEvents events)
    : impl_(std::make_unique<Impl>(loop, context, std::move(keys), std::move(events))) {
    impl_->queue_bytes_max = queue_bytes_max;
    bind(impl_->router.socket(), listen);
    bind(impl_->publisher.socket(), {listen.host, static_cast<std::uint16_t>(listen.port + 1)});
}

GroupSockets::~GroupSockets() = default;

void GroupSockets::open_contact(ContactId contact, const Endpoint& router, std::size_t key) {
    std::unique_ptr<Dealer> dealer;
    const auto on_message = [this, contact](ZmqPort&, zmq::message_t& message) {
        if (!message.more()) impl_->events.on_answer(contact, view(message));
    };
    const auto on_link = [this, contact](const LinkEvent& event) {
        if (event.kind != LinkEvent::Kind::failed) return;
        impl_->events.on_handshake_failed(contact,
                                          reason_of_called(event.failure, !impl_->keys.empty()));
    };
    try {
        dealer = std::make_unique<Dealer>(impl_->loop, impl_->context, ++impl_->last_monitor,
                                          on_message, on_link);
    } catch (const zmq::error_t& error) {
        // It is called in vain until it is forgotten.
        log_line(LogLevel::error, "no socket for " + router.tcp() + ": " + error.what());
        return;
    }
    zmq::socket_t& socket = dealer->port.socket();
    set_link_options(socket);
    if (!impl_->keys.empty()) call_with(socket, impl_->keys.at(key));
    // As many requests of backends as a peer may have at once leave in one go, beside all else.
    socket.set(zmq::sockopt::sndhwm, 10'000);
    // A hello to a node that is not there must not wait for it.
    socket.set(zmq::sockopt::immediate, true);
    socket.set(zmq::sockopt::maxmsgsize, broadcast_bytes_max);  // what is sent again
    connect(socket, router);
    impl_->dealers[contact] = std::move(dealer);
}

void GroupSockets::close_contact(ContactId contact) {
    impl_->dealers.erase(contact);
}

bool GroupSockets::to_contact(ContactId contact, std::string_view bytes) {
    const auto found = impl_->dealers.find(contact);
    return found != impl_->dealers.end() && found->second->port.send(bytes);
}

bool GroupSockets::answer(const std::string& route, std::string_view bytes) {
    return impl_->router.send(route, zmq::send_flags::sndmore) && impl_->router.send(bytes);
}

void GroupSockets::listen_to(const Endpoint& publisher, std::size_t key) {
    const auto known = impl_->publishers.find(publisher.tcp());
    if (known != impl_->publishers.end()) {
        if (known->second.key == key && !known->second.is_broken) return;
        stop_listening_to(publisher);
    }
    impl_->publishers[publisher.tcp()] = {publisher, key};
    if (!impl_->keys.empty()) call_with(impl_->subscriber.socket(), impl_->keys.at(key));
    connect(impl_->subscriber.socket(), publisher);
    impl_->subscriber.touch();
}

void GroupSockets::stop_listening_to(const Endpoint& publisher) {
    impl_->publishers.erase(publisher.tcp());
    try {
        impl_->subscriber.socket().disconnect(publisher.tcp());
    } catch (const zmq::error_t&) {
        // It was not connected: nothing to undo.
    }
    impl_->subscriber.touch();
}

void GroupSockets::subscribe(std::string_view key) {
    impl_->subscriber.socket().set(zmq::sockopt::subscribe, key);
    impl_->subscriber.touch();
}

void GroupSockets::unsubscribe(std::string_view key) {
    impl_->subscriber.socket().set(zmq::sockopt::unsubscribe, key);
    impl_->subscriber.touch();
}

void GroupSockets::publish(std::string_view bytes) {
    impl_->publisher.send(bytes);
}

namespace {

// What ZeroMQ holds on to while the message waits for anybody.
struct Held {
    BroadcastRef broadcast;
    std::shared_ptr<std::atomic<std::size_t>> queued_bytes;
};

void let_go(void*, void* hint) {
    const std::unique_ptr<Held> held(static_cast<Held*>(hint));
    *held->queued_bytes -= held->broadcast->wire().size();
}

}  // namespace

bool GroupSockets::broadcast(const BroadcastRef& broadcast) {
    // Who subscribes just now has its proof only when its subscription has been read here.
    if (!impl_->wanted.has(broadcast->bucket())) {
        ++impl_->broadcasts_skipped;
        return true;
    }
    const std::string_view wire = broadcast->wire();
    if (*impl_->queued_bytes + wire.size() > impl_->queue_bytes_max) {
        ++impl_->broadcasts_shed;
        return false;
    }
    *impl_->queued_bytes += wire.size();
    auto held = std::make_unique<Held>(Held{broadcast, impl_->queued_bytes});
    // ZeroMQ only reads what it is given to send.
    zmq::message_t message(const_cast<char*>(wire.data()), wire.size(), let_go, held.get());
    static_cast<void>(held.release());  // it is let_go's now
    impl_->publisher.send(std::move(message));
    return true;
}

std::size_t GroupSockets::queued_bytes() const {
    return *impl_->queued_bytes;
}

std::uint64_t GroupSockets::broadcasts_shed() const {
    return impl_->broadcasts_shed;
}
std::uint64_t GroupSockets::broadcasts_skipped() const {
    return impl_->broadcasts_skipped;
}

bool GroupSockets::service() {
    bool is_busy = false;
    if (impl_->gatekeeper) is_busy |= impl_->gatekeeper->service();
    for (ZmqPort* port : {&impl_->publisher, &impl_->subscriber, &impl_->router}) {
        is_busy |= port->service();
    }
    for (LinkMonitor* links :
         {&impl_->publisher_links, &impl_->subscriber_links, &impl_->router_links}) {
        is_busy |= links->service();
    }
    // An answer may close its own contact: go by ids that were there before.
    std::vector<ContactId> contacts;
    for (const auto& [contact, port] : impl_->dealers) contacts.push_back(contact);
    for (const ContactId contact : contacts) {
        const auto found = impl_->dealers.find(contact);
        if (found != impl_->dealers.end()) is_busy |= found->second->port.service();
    }
    for (const auto& [contact, dealer] : impl_->dealers) is_busy |= dealer->links.service();
    return is_busy;
}

}  // namespace roost
