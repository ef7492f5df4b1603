#include "daemon/edge/group_sockets.hpp"

#include <atomic>
#include <cstring>
#include <map>
#include <utility>
#include <zmq.hpp>

#include "daemon/edge/log.hpp"
#include "daemon/edge/start_error.hpp"
#include "daemon/edge/zmq_port.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {

constexpr int unlimited = 0;
// Messages waiting for one slow peer in libzmq. Beyond it they are dropped, and their numbers tell.
constexpr int publish_backlog = 20'000;
// Answers to a peer: more than one answer to a repair holds.
constexpr int answer_backlog = 10'000;
// A length is the first thing a stranger can lie about, and libzmq allocates what it says.
constexpr std::int64_t subscription_bytes_max = 1024;
constexpr std::int64_t directed_bytes_max = limits::group_message_bytes_max;
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

struct GroupSockets::Impl {
    Loop& loop;
    zmq::context_t& context;
    GroupSocketEvents events;
    ZmqPort publisher, subscriber, router, monitor;
    std::map<ContactId, std::unique_ptr<ZmqPort>> dealers;
    // Of the message that is being received from the router.
    std::string route;
    int parts_before = 0;
    std::map<std::string, Endpoint> publishers;  // by what a monitor event calls them
    bool is_monitor_event_linked = false;
    std::size_t queue_bytes_max = 0;
    std::uint64_t broadcasts_shed = 0;
    // Shared with the messages themselves, which ZeroMQ's thread lets go of.
    std::shared_ptr<std::atomic<std::size_t>> queued_bytes =
        std::make_shared<std::atomic<std::size_t>>(0);

    Impl(Loop& loop_, zmq::context_t& context_, GroupSocketEvents events_);
    void on_router_part(zmq::message_t& part);
    void on_monitor_part(zmq::message_t& part);
};

GroupSockets::Impl::Impl(Loop& loop_, zmq::context_t& context_, GroupSocketEvents events_)
    : loop(loop_),
      context(context_),
      events(std::move(events_)),
      publisher(loop, context, zmq::socket_type::xpub,
                [this](ZmqPort&, zmq::message_t& message) {
                    const auto bytes = view(message);
                    if (bytes.starts_with('\1')) events.on_subscription(bytes.substr(1));
                }),
      subscriber(loop, context, zmq::socket_type::sub,
                 [this](ZmqPort&, zmq::message_t& message) { events.on_published(view(message)); }),
      router(loop, context, zmq::socket_type::router,
             [this](ZmqPort&, zmq::message_t& part) { on_router_part(part); }),
      monitor(loop, context, zmq::socket_type::pair,
              [this](ZmqPort&, zmq::message_t& part) { on_monitor_part(part); }) {
    for (ZmqPort* port : {&publisher, &subscriber, &router}) set_link_options(port->socket());
    publisher.socket().set(zmq::sockopt::sndhwm, publish_backlog);
    publisher.socket().set(zmq::sockopt::linger, 200);  // a goodbye still leaves
    subscriber.socket().set(zmq::sockopt::sndhwm, unlimited);
    router.socket().set(zmq::sockopt::router_mandatory, true);
    router.socket().set(zmq::sockopt::sndhwm, answer_backlog);
    publisher.socket().set(zmq::sockopt::maxmsgsize, subscription_bytes_max);
    subscriber.socket().set(zmq::sockopt::maxmsgsize, broadcast_bytes_max);
    router.socket().set(zmq::sockopt::maxmsgsize, directed_bytes_max);

    const std::string name =
        "inproc://links-" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
    zmq_socket_monitor(subscriber.socket().handle(), name.c_str(), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    monitor.socket().set(zmq::sockopt::linger, 0);
    monitor.socket().connect(name);
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
    // An IPv4 peer of an IPv6 socket.
    if (host.starts_with("::ffff:")) host.erase(0, 7);
    events.on_call(route, host, view(part));
}

void GroupSockets::Impl::on_monitor_part(zmq::message_t& part) {
    if (part.more()) {
        std::uint16_t event = 0;
        std::memcpy(&event, part.data(), sizeof event);
        is_monitor_event_linked = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        return;
    }
    if (!is_monitor_event_linked) return;
    const auto found = publishers.find(std::string(view(part)));
    if (found != publishers.end()) events.on_link(found->second);
}

GroupSockets::GroupSockets(Loop& loop, zmq::context_t& context, const Endpoint& listen,
                           std::size_t queue_bytes_max, GroupSocketEvents events)
    : impl_(std::make_unique<Impl>(loop, context, std::move(events))) {
    impl_->queue_bytes_max = queue_bytes_max;
    bind(impl_->router.socket(), listen);
    bind(impl_->publisher.socket(), {listen.host, static_cast<std::uint16_t>(listen.port + 1)});
}

GroupSockets::~GroupSockets() {
    zmq_socket_monitor(impl_->subscriber.socket().handle(), nullptr, 0);
}

void GroupSockets::open_contact(ContactId contact, const Endpoint& router) {
    std::unique_ptr<ZmqPort> port;
    const auto on_message = [this, contact](ZmqPort&, zmq::message_t& message) {
        if (!message.more()) impl_->events.on_answer(contact, view(message));
    };
    try {
        port = std::make_unique<ZmqPort>(impl_->loop, impl_->context, zmq::socket_type::dealer,
                                         on_message);
    } catch (const zmq::error_t& error) {
        // It is called in vain until it is forgotten.
        log_line(LogLevel::error, "no socket for " + router.tcp() + ": " + error.what());
        return;
    }
    set_link_options(port->socket());
    // A hello to a node that is not there must not wait for it.
    port->socket().set(zmq::sockopt::immediate, true);
    port->socket().set(zmq::sockopt::maxmsgsize, broadcast_bytes_max);  // what is sent again
    connect(port->socket(), router);
    impl_->dealers[contact] = std::move(port);
}

void GroupSockets::close_contact(ContactId contact) {
    impl_->dealers.erase(contact);
}

bool GroupSockets::to_contact(ContactId contact, std::string_view bytes) {
    const auto found = impl_->dealers.find(contact);
    return found != impl_->dealers.end() && found->second->send(bytes);
}

bool GroupSockets::answer(const std::string& route, std::string_view bytes) {
    return impl_->router.send(route, zmq::send_flags::sndmore) && impl_->router.send(bytes);
}

void GroupSockets::listen_to(const Endpoint& publisher) {
    impl_->publishers[publisher.tcp()] = publisher;
    connect(impl_->subscriber.socket(), publisher);  // a second time to the same does nothing
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
    const std::string_view wire = broadcast->wire();
    if (*impl_->queued_bytes + wire.size() > impl_->queue_bytes_max) {
        ++impl_->broadcasts_shed;
        return false;
    }
    *impl_->queued_bytes += wire.size();
    auto held = std::make_unique<Held>(Held{broadcast, impl_->queued_bytes});
    // ZeroMQ only reads what it is given to send.
    zmq::message_t message(const_cast<char*>(wire.data()), wire.size(), let_go, held.get());
    held.release();
    impl_->publisher.send(std::move(message));
    return true;
}

std::size_t GroupSockets::queued_bytes() const {
    return *impl_->queued_bytes;
}

std::uint64_t GroupSockets::broadcasts_shed() const {
    return impl_->broadcasts_shed;
}

bool GroupSockets::service() {
    bool is_busy = false;
    for (ZmqPort* port : {&impl_->publisher, &impl_->subscriber, &impl_->router, &impl_->monitor}) {
        is_busy |= port->service();
    }
    // An answer may close its own contact: go by ids that were there before.
    std::vector<ContactId> contacts;
    for (const auto& [contact, port] : impl_->dealers) contacts.push_back(contact);
    for (const ContactId contact : contacts) {
        const auto found = impl_->dealers.find(contact);
        if (found != impl_->dealers.end()) is_busy |= found->second->service();
    }
    return is_busy;
}

}  // namespace roost
