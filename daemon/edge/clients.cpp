#include "daemon/edge/clients.hpp"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "daemon/core/invariant.hpp"
#include "daemon/edge/door.hpp"
#include "daemon/edge/http_page.hpp"
#include "daemon/edge/http_request.hpp"
#include "daemon/edge/lobby.hpp"
#include "daemon/edge/lws_context.hpp"
#include "daemon/edge/node_pages.hpp"
#include "daemon/edge/polls.hpp"
#include "daemon/edge/socket_address.hpp"
#include "daemon/edge/upgrade.hpp"
#include "daemon/edge/visitors.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {

constexpr int keep = 0;
constexpr int end = -1;
constexpr int accepts_a_turn = 64;

// What libwebsockets keeps for us with each connection.
struct Session {
    SocketId socket;
    bool is_open;
    std::string* partial;  // of a message that came in pieces
};

Visitor* visitor_of(lws* wsi) {
    return static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
}

}  // namespace

struct Clients::Impl {
    Loop& loop;
    ClientsConfig config;
    Door& door;
    TokenCheck& tokens;
    NodePages pages;
    std::string websocket_path, long_poll_path;
    Hub* hub = nullptr;
    ssl_ctx_st* tls = nullptr;  // the library's
    std::unique_ptr<LwsContext> library;
    Visitors visitors;
    const Visitor* last_gone = nullptr;
    Lobby lobby;
    bool is_in_the_middle = false;
    Polls polls;
    Sockets sockets;
    Api api;

    Impl(Loop& loop_, ClientsConfig config_, Door& door_, TokenCheck& tokens_, NodePages pages_,
         PollRelay relay, AskDesk ask_desk)
        : loop(loop_),
          config(std::move(config_)),
          door(door_),
          tokens(tokens_),
          pages(std::move(pages_)),
          websocket_path(config.socket_path + "/websocket"),
          long_poll_path(config.socket_path + "/longpoll"),
          visitors(door_),
          lobby(loop, door_.rules().header_bytes_max,
                [this](int fd, Visitor& visitor) { adopt(fd, visitor); }),
          polls(config.home, config.polls, door_, tokens_,
                {pages.is_ready, std::move(relay),
                 [this](lws* wsi, HttpPage page) { show(wsi, std::move(page)); },
                 [this] { return loop.now(); }}),
          sockets(config.has_uring,
                  [this](SocketId socket, std::string_view bytes) {
                      return polls.send(socket, bytes);
                  }),
          api(config.api_keys, std::move(ask_desk),
              [this](lws* wsi, HttpPage page) { show(wsi, std::move(page)); }) {}

    void start();
    void accept_some(Listener& listener);
    void arrive(int fd, const Address& peer, bool is_unix);
    void adopt(int fd, Visitor& visitor);
    void cut_late();
    int upgrade(lws* wsi, void* header);
    void leave(lws* wsi);
    // Of a WebSocket of /echo.
    static Echo* echo_of(lws* wsi, lws_callback_reasons reason);
    void open(Session& session, lws* wsi);
    int receive(Session& session, lws* wsi, std::string_view chunk);
    void on_message(const Session& session, lws* wsi, std::string_view message);
    void gone(Session& session);
    int serve(lws* wsi, std::string_view path);
    void show(lws* wsi, HttpPage page);
    int write(lws* wsi);
    int serve_poll(lws* wsi, Visitor& visitor);
    int serve_api(lws* wsi, Visitor& visitor, std::string_view path);
    int wait_for_answer(lws* wsi, Visitor& visitor);
    static int on_event(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                        size_t size) noexcept;
};

void Clients::Impl::start() {
    const LwsContext::Config set_up{&on_event, this, sizeof(Session), tls, config.certificate};
    library = std::make_unique<LwsContext>(loop, door.rules(), set_up);
    for (Listener& listener : config.listeners) {
        loop.on_readable(listener.fd, [this, &listener] { accept_some(listener); });
    }
}

void Clients::Impl::accept_some(Listener& listener) {
    // Of a socket that the shards share each takes one, so that all get some.
    const int most = listener.is_unix ? 1 : accepts_a_turn;
    for (int i = 0; i < most; ++i) {
        sockaddr_storage name{};
        socklen_t size = sizeof name;
        const int fd = accept4(listener.fd, reinterpret_cast<sockaddr*>(&name), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EMFILE && errno != ENFILE) return;
            // No descriptor is free: a listener that stays readable would spin. tick() resumes.
            loop.pause(listener.fd);
            listener.is_paused = true;
            return;
        }
        const int on = 1;
        if (!listener.is_unix) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        arrive(fd, to_address(name), listener.is_unix);
    }
}

void Clients::Impl::arrive(int fd, const Address& peer, bool is_unix) {
    Visitor* visitor = visitors.arrive(peer, loop.now());
    if (!visitor) {
        ::close(fd);
        return;
    }
    visitor->is_tls = config.certificate && !is_unix;
    if (tokens.has_keys() && !visitor->is_tls) return lobby.enter(fd, *visitor);
    adopt(fd, *visitor);
}

void Clients::Impl::adopt(int fd, Visitor& visitor) {
    lws_adopt_desc_t about{};
    about.vh = library->vhost(visitor.is_tls);
    about.type =
        static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL);
    about.fd.sockfd = fd;
    about.opaque = &visitor;
    last_gone = nullptr;
    lws* wsi = lws_adopt_descriptor_vhost_via_info(&about);  // closes fd when it fails
    if (wsi) {
        visitor.wsi = wsi;
    } else if (last_gone != &visitor) {
        visitors.leave(visitor);
    }
}

void Clients::Impl::cut_late() {
    while (Visitor* late = visitors.next_late(loop.now())) {
        // One that waits with another request has done nothing wrong.
        if (!late->was_served) door.refuse(Refusal::slow, late->client);
        if (late->wsi) {
            cut_off(late->wsi);
        } else if (lobby.close(*late)) {
            visitors.leave(*late);
        }
    }
}

int Clients::Impl::upgrade(lws* wsi, void* header) {
    Visitor* visitor = visitor_of(wsi);
    if (!visitor || visitor->is_waiting) return end;
    const UpgradePaths paths{websocket_path, door.rules().has_echo ? "/echo" : ""};
    return check_upgrade(wsi, paths, {door, visitors, tokens, loop.now(), config.frame_bytes_max},
                         *visitor, header);
}

void Clients::Impl::leave(lws* wsi) {
    Visitor* visitor = visitor_of(wsi);
    if (!visitor) return;
    polls.on_gone(wsi);
    api.on_gone(wsi);
    lws_set_opaque_user_data(wsi, nullptr);
    last_gone = visitor;
    visitors.leave(*visitor);
}

Echo* Clients::Impl::echo_of(lws* wsi, lws_callback_reasons reason) {
    const bool is_for_it = reason == LWS_CALLBACK_ESTABLISHED || reason == LWS_CALLBACK_RECEIVE ||
                           reason == LWS_CALLBACK_RECEIVE_PONG ||
                           reason == LWS_CALLBACK_SERVER_WRITEABLE;
    if (!is_for_it) return nullptr;
    const Visitor* visitor = visitor_of(wsi);
    return visitor ? visitor->echo.get() : nullptr;
}

void Clients::Impl::open(Session& session, lws* wsi) {
    Visitor* visitor = visitor_of(wsi);
    session.socket = hub->on_open(visitor->wire, loop.now(), std::move(visitor->bearer),
                                  std::move(visitor->greeting));
    session.is_open = true;
    sockets.open(session.socket, wsi);
}

int Clients::Impl::receive(Session& session, lws* wsi, std::string_view chunk) {
    if (!session.is_open || sockets.is_closing(session.socket)) return keep;
    const bool is_whole = lws_is_final_fragment(wsi) != 0;
    if (!is_whole) is_in_the_middle = true;
    const std::size_t before = session.partial ? session.partial->size() : 0;
    if (before + chunk.size() + lws_remaining_packet_payload(wsi) > config.frame_bytes_max) {
        // What still comes of it is read and dropped: closing on unread bytes would reset the
        // connection, and the client would not learn why.
        delete std::exchange(session.partial, nullptr);
        hub->on_too_big(session.socket);
        return keep;
    }
    if (is_whole && !session.partial) {
        on_message(session, wsi, chunk);
        return keep;
    }
    if (!session.partial) session.partial = new std::string;
    session.partial->append(chunk);
    if (!is_whole) return keep;
    const std::unique_ptr<std::string> message(std::exchange(session.partial, nullptr));
    on_message(session, wsi, *message);
    return keep;
}

void Clients::Impl::on_message(const Session& session, lws* wsi, std::string_view message) {
    if (lws_frame_is_binary(wsi)) {
        hub->on_binary(session.socket, message, loop.now());
    } else {
        hub->on_text(session.socket, message, loop.now());
    }
}

void Clients::Impl::gone(Session& session) {
    delete std::exchange(session.partial, nullptr);
    // A handshake that failed is closed without ever having been open.
    if (!std::exchange(session.is_open, false) || !hub) return;
    sockets.gone(session.socket);
    hub->on_close(session.socket);
}

int Clients::Impl::serve(lws* wsi, std::string_view path) {
    Visitor* visitor = visitor_of(wsi);
    if (visitor->is_waiting) return end;  // a further request
    if (visitor->postponed) return begin_wait(wsi, door, *visitor) ? keep : end;
    if (path == long_poll_path && config.has_long_poll) return serve_poll(wsi, *visitor);
    if (Api::is_path(path)) return serve_api(wsi, *visitor, path);
    if (refuse_page(wsi, door, *visitor)) return end;
    HttpPage page = page_at(path, pages, {websocket_path, config.has_try_page});
    page.is_last |= wants_close(wsi);
    page.is_head_only = is_head_request(wsi);
    show(wsi, std::move(page));
    return keep;
}

void Clients::Impl::show(lws* wsi, HttpPage page) {
    Visitor* visitor = visitor_of(wsi);
    // The library takes the request for answered: see wait_for_answer().
    if (visitor->is_waiting && !visitor->is_left_open) {
        write_by_hand(wsi, page);
        lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
        return;
    }
    visitor->page = std::make_unique<HttpPage>(std::move(page));
    lws_callback_on_writable(wsi);
}

int Clients::Impl::serve_poll(lws* wsi, Visitor& visitor) {
    // What the library has already read behind another request it would take for the body of a post
    // from its head on, without end. A poll is the first request of its connection, and the last.
    if (visitor.was_served) return end;
    polls.on_request(wsi, visitor);
    visitor.is_left_open = !polls.is_long(wsi);
    return wait_for_answer(wsi, visitor);
}

int Clients::Impl::serve_api(lws* wsi, Visitor& visitor, std::string_view path) {
    if (visitor.was_served) return end;  // as with polls
    api.on_request(wsi, path);
    visitor.is_left_open = true;
    return wait_for_answer(wsi, visitor);
}

// A request that is left open the library neither reads nor closes, and turns its loop for as long
// as there is something to read. So one that may wait for long counts as done, with nothing
// written, and its headers are let go; who hangs up, or says more, is gone.
int Clients::Impl::wait_for_answer(lws* wsi, Visitor& visitor) {
    visitor.is_waiting = polls.is_waiting(wsi) || api.is_waiting(wsi);
    if (!visitor.is_waiting) return keep;
    if (!visitor.is_left_open && lws_http_transaction_completed(wsi) != 0) return end;
    // Its own time for a next request, or for a body, is over sooner than a poll.
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    return keep;
}

int Clients::Impl::write(lws* wsi) {
    Visitor* visitor = visitor_of(wsi);
    if (!visitor || !visitor->page) return keep;
    const auto page = std::move(visitor->page);
    if (!write_page(wsi, *page) || page->is_last) return end;
    visitor->was_served = true;
    visitors.expect(*visitor, loop.now());
    return lws_http_transaction_completed(wsi) ? end : keep;
}

// C calls this: nothing may be thrown out of it.
int Clients::Impl::on_event(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                            size_t size) noexcept {
    auto* impl = static_cast<Impl*>(lws_context_user(lws_get_context(wsi)));
    auto* session = static_cast<Session*>(user);
    const auto bytes = [&] { return std::string_view(static_cast<const char*>(in), size); };
    if (Echo* echo = echo_of(wsi, reason)) {
        if (reason == LWS_CALLBACK_RECEIVE) return echo->receive(wsi, bytes()) ? keep : end;
        if (reason == LWS_CALLBACK_SERVER_WRITEABLE) return echo->write(wsi) ? keep : end;
        return keep;
    }
    switch (reason) {
        case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
            impl->tls = static_cast<ssl_ctx_st*>(user);
            return keep;
        case LWS_CALLBACK_WSI_DESTROY: impl->leave(wsi); return keep;
        // What CONNECT asks for: libwebsockets would go on with bare bytes.
        case LWS_CALLBACK_RAW_ADOPT: return end;
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return impl->upgrade(wsi, in);
        case LWS_CALLBACK_ESTABLISHED: impl->open(*session, wsi); return keep;
        case LWS_CALLBACK_RECEIVE: return impl->receive(*session, wsi, bytes());
        case LWS_CALLBACK_RECEIVE_PONG:
            if (session->is_open) impl->hub->on_pong(session->socket, impl->loop.now());
            return keep;
        case LWS_CALLBACK_SERVER_WRITEABLE:
            if (session->is_open) impl->hub->on_writable(session->socket);
            return keep;
        case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
            // The answer to our own close frame: no other is owed.
            return session->is_open && impl->sockets.is_closing(session->socket) ? end : keep;
        case LWS_CALLBACK_CLOSED:
        case LWS_CALLBACK_CLOSED_HTTP:
            if (session) impl->gone(*session);
            return keep;
        case LWS_CALLBACK_HTTP: return impl->serve(wsi, bytes());
        case LWS_CALLBACK_HTTP_BODY:
            impl->polls.on_body(wsi, bytes());
            impl->api.on_body(wsi, bytes());
            return keep;
        case LWS_CALLBACK_HTTP_BODY_COMPLETION:
            impl->polls.on_body_end(wsi);
            impl->api.on_body_end(wsi);
            return impl->wait_for_answer(wsi, *visitor_of(wsi));
        case LWS_CALLBACK_HTTP_WRITEABLE: return impl->write(wsi);
        default: return lws_callback_http_dummy(wsi, reason, user, in, size);
    }
}

Clients::Clients(Loop& loop, ClientsConfig config, Door& door, TokenCheck& tokens, NodePages pages,
                 PollRelay relay, AskDesk ask_desk)
    : impl_(std::make_unique<Impl>(loop, std::move(config), door, tokens, std::move(pages),
                                   std::move(relay), std::move(ask_desk))) {}

Clients::~Clients() {
    stop_listening();
    // It closes what is still open; the hub may be gone by then.
    impl_->hub = nullptr;
    impl_->library.reset();
}

void Clients::attach(Hub& hub) {
    impl_->hub = &hub;
    impl_->polls.attach(hub);
    impl_->start();
}

bool Clients::send(SocketId socket, std::string_view bytes) {
    return impl_->sockets.send(socket, bytes);
}

void Clients::send_all(std::span<Sending> sendings) {
    impl_->sockets.send_all(sendings);
}

void Clients::close(SocketId socket, CloseCode code) {
    if (!impl_->sockets.close(socket, code)) impl_->polls.close(socket);
}

bool Clients::is_in_the_middle() {
    return std::exchange(impl_->is_in_the_middle, false);
}

void Clients::end_turn() {
    impl_->sockets.end_turn(impl_->loop.now());
    impl_->polls.end_turn();
}

void Clients::tick() {
    impl_->sockets.tick(impl_->loop.now());
    refuse_postponed(impl_->visitors, impl_->loop.now());
    impl_->cut_late();
    impl_->polls.tick();
    for (Listener& listener : impl_->config.listeners) {
        if (std::exchange(listener.is_paused, false)) impl_->loop.resume(listener.fd);
    }
}

void Clients::stop_listening() {
    for (const Listener& listener : std::exchange(impl_->config.listeners, {})) {
        impl_->loop.forget(listener.fd);
        ::close(listener.fd);
    }
}

void Clients::ask(const PollRequest& request, std::function<void(PollAnswer)> on_answer) {
    impl_->polls.ask(request, std::move(on_answer));
}

void Clients::on_relayed(PollId id, PollAnswer answer) {
    impl_->polls.on_relayed(id, std::move(answer));
}

const SendCounters& Clients::sends() const {
    return impl_->sockets.counters();
}

void Clients::on_desk_answer(const control::Answer& answer) {
    impl_->api.on_answer(answer);
}

const PollSessions& Clients::poll_sessions() const {
    return impl_->polls.sessions();
}

void Clients::show(std::shared_ptr<const Certificate> certificate) {
    impl_->config.certificate = std::move(certificate);
}

std::string Clients::address_of(SocketId socket) const {
    const lws* wsi = impl_->sockets.library_socket(socket);
    if (!wsi) return impl_->polls.address_of(socket);
    const auto* visitor = static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
    return visitor ? visitor->client.text() : std::string();
}

}  // namespace roost
