#include "daemon/edge/clients.hpp"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "daemon/core/invariant.hpp"
#include "daemon/edge/door.hpp"
#include "daemon/edge/library_log.hpp"
#include "daemon/edge/socket_address.hpp"
#include "daemon/edge/start_error.hpp"
#include "daemon/edge/try_page.hpp"
#include "daemon/edge/upgrade.hpp"
#include "daemon/edge/visitors.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {

constexpr int keep = 0;
constexpr int end = -1;
// A client that does not answer a close frame is cut.
constexpr Duration close_wait = std::chrono::seconds(2);
constexpr std::size_t receive_bytes = 1024;
constexpr int accepts_a_turn = 64;

// What libwebsockets keeps for us with each connection.
struct Session {
    SocketId socket;
    bool is_open;
    std::string* partial;  // of a message that came in pieces
    std::string* page;     // HTTP body still to be written
    bool is_last_page;     // the connection ends with it
};

// With output still buffered libwebsockets would go on flushing to a client that does not read:
// it lets go only of a socket that fails.
void cut_off(lws* wsi) {
    const int fd = lws_get_socket_fd(wsi);
    const linger at_once{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    shutdown(fd, SHUT_RDWR);
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_SYNC);
}

struct Entry {
    lws* wsi = nullptr;
    CloseCode code{};
    bool is_close_wanted = false;
    bool is_closing = false;
    Time cut_at{};
};

}  // namespace

struct Clients::Impl {
    Loop& loop;
    ClientsConfig config;
    Door& door;
    TokenCheck& tokens;
    NodePages pages;
    std::string websocket_path;
    Hub* hub = nullptr;
    lws_context* context = nullptr;
    lws_vhost* vhost = nullptr;
    lws_vhost* tls_vhost = nullptr;
    ssl_ctx_st* tls = nullptr;  // the library's
    std::array<lws_protocols, 2> protocols{};
    lws_retry_bo_t no_validity_timers{};
    std::array<void*, 1> foreign_loops{};
    std::vector<Entry> entries;
    std::vector<SocketId> to_close, closing;
    Visitors visitors;
    const Visitor* last_gone = nullptr;

    Impl(Loop& loop_, ClientsConfig config_, Door& door_, TokenCheck& tokens_, NodePages pages_)
        : loop(loop_),
          config(std::move(config_)),
          door(door_),
          tokens(tokens_),
          pages(std::move(pages_)),
          websocket_path(config.socket_path + "/websocket"),
          visitors(door_) {}

    void start();
    void make_vhosts(lws_context_creation_info& info);
    void accept_some(Listener& listener);
    void adopt(int fd, const Address& peer, bool is_unix);
    void cut_late();
    int upgrade(lws* wsi);
    void leave(lws* wsi);
    // Of a WebSocket of /echo.
    static Echo* echo_of(lws* wsi, lws_callback_reasons reason);
    void open(Session& session, lws* wsi);
    int receive(Session& session, lws* wsi, std::string_view chunk);
    void on_message(const Session& session, lws* wsi, std::string_view message);
    void gone(Session& session);
    int serve(Session& session, lws* wsi, std::string_view path);
    int write_page(Session& session, lws* wsi);
    static int on_event(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                        size_t size) noexcept;
};

void Clients::Impl::start() {
    take_library_log();
    protocols[0].name = "phoenix";
    protocols[0].callback = &on_event;
    protocols[0].per_session_data_size = sizeof(Session);
    protocols[0].rx_buffer_size = receive_bytes;
    // Otherwise a write is cut at the size of the receive buffer.
    protocols[0].tx_packet_size = 1 << 20;

    foreign_loops[0] = loop.raw();
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = foreign_loops.data();
    info.protocols = protocols.data();
    info.user = this;
    info.gid = info.uid = -1;  // stay who we are
    // Made on demand; a handshake in progress holds one, and slow ones must not shut out others.
    info.max_http_header_pool = 16'384;
    // All zero: its sorted list of timers costs O(n) for each connection. The hub pings.
    info.retry_and_idle_policy = &no_validity_timers;
    // cut_late() comes first; the library's own limits, which begin anew with each request, and
    // of which nothing is told, are behind it.
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(door.rules().handshake_timeout).count();
    info.timeout_secs = info.timeout_secs_ah_idle = static_cast<unsigned>(seconds) + 5;
    // A request that has more is closed without an answer.
    info.max_http_header_data2 = static_cast<unsigned>(door.rules().header_bytes_max);
    info.alpn = "http/1.1";
    // The hub looks at the text of the others itself.
    if (door.rules().has_echo) info.options |= LWS_SERVER_OPTION_VALIDATE_UTF8;
    if (config.certificate) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    context = lws_create_context(&info);
    if (!context) {
        throw StartError(exit_code::software,
                         "libwebsockets did not start (is libwebsockets-evlib-ev installed?)");
    }
    make_vhosts(info);
    for (Listener& listener : config.listeners) {
        loop.on_readable(listener.fd, [this, &listener] { accept_some(listener); });
    }
}

void Clients::Impl::make_vhosts(lws_context_creation_info& info) {
    info.vhost_name = "plain";
    vhost = lws_create_vhost(context, &info);
    if (!vhost) throw StartError(exit_code::software, "libwebsockets made no virtual host");
    if (!config.certificate) return;
    info.vhost_name = "tls";
    // The other value that stands for no port: one vhost is not taken for the other by it.
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    tls_vhost = lws_create_vhost(context, &info);
    if (!tls_vhost || !tls || !Certificate::serve(tls, config.certificate)) {
        throw StartError(exit_code::software, "libwebsockets made no virtual host for TLS");
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
        adopt(fd, to_address(name), listener.is_unix);
    }
}

void Clients::Impl::adopt(int fd, const Address& peer, bool is_unix) {
    Visitor* visitor = visitors.arrive(peer, loop.now());
    if (!visitor) {
        ::close(fd);
        return;
    }
    lws_adopt_desc_t about{};
    about.vh = tls_vhost && !is_unix ? tls_vhost : vhost;
    about.type =
        static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL);
    about.fd.sockfd = fd;
    about.opaque = visitor;
    last_gone = nullptr;
    lws* wsi = lws_adopt_descriptor_vhost_via_info(&about);  // closes fd when it fails
    if (wsi) {
        visitor->wsi = wsi;
    } else if (last_gone != visitor) {
        visitors.leave(*visitor);
    }
}

void Clients::Impl::cut_late() {
    while (Visitor* late = visitors.next_late(loop.now())) {
        // One that waits with another request has done nothing wrong.
        if (!late->was_served) door.refuse(Refusal::slow, late->client);
        cut_off(late->wsi);
    }
}

int Clients::Impl::upgrade(lws* wsi) {
    auto* visitor = static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
    if (!visitor) return end;
    const UpgradePaths paths{websocket_path, door.rules().has_echo ? "/echo" : ""};
    return check_upgrade(wsi, paths, {door, visitors, tokens, loop.now(), config.frame_bytes_max},
                         *visitor);
}

void Clients::Impl::leave(lws* wsi) {
    auto* visitor = static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
    if (!visitor) return;
    lws_set_opaque_user_data(wsi, nullptr);
    last_gone = visitor;
    visitors.leave(*visitor);
}

Echo* Clients::Impl::echo_of(lws* wsi, lws_callback_reasons reason) {
    const bool is_for_it = reason == LWS_CALLBACK_ESTABLISHED || reason == LWS_CALLBACK_RECEIVE ||
                           reason == LWS_CALLBACK_RECEIVE_PONG ||
                           reason == LWS_CALLBACK_SERVER_WRITEABLE;
    if (!is_for_it) return nullptr;
    const auto* visitor = static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
    return visitor ? visitor->echo.get() : nullptr;
}

void Clients::Impl::open(Session& session, lws* wsi) {
    auto* visitor = static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
    session.socket = hub->on_open(visitor->wire, loop.now(), std::move(visitor->bearer));
    session.is_open = true;
    if (session.socket >= entries.size()) entries.resize(std::size_t{session.socket} + 1);
    entries[session.socket] = Entry{wsi, {}, false, false, {}};
}

int Clients::Impl::receive(Session& session, lws* wsi, std::string_view chunk) {
    if (!session.is_open || entries[session.socket].is_closing) return keep;
    const bool is_whole = lws_is_final_fragment(wsi) != 0;
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
    delete std::exchange(session.page, nullptr);
    // A handshake that failed is closed without ever having been open.
    if (!std::exchange(session.is_open, false) || !hub) return;
    entries[session.socket] = Entry{};
    hub->on_close(session.socket);
}

int Clients::Impl::serve(Session& session, lws* wsi, std::string_view path) {
    HttpPage page;
    const auto* visitor = static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
    if (refuse_page(wsi, door, *visitor)) return end;
    if (path == "/healthz") {
        page = {200, "text/plain", "alive\n"};
    } else if (path == "/readyz") {
        const bool is_ready = pages.is_ready();
        page = {is_ready ? 200U : 503U, "text/plain", is_ready ? "ready\n" : "not ready\n"};
    } else if (path == "/metrics") {
        page = {200, "text/plain; version=0.0.4", pages.metrics()};
    } else if (path == "/" && config.has_try_page) {
        page = {200, "text/html; charset=utf-8", std::string(try_page)};
    } else if (path == websocket_path) {
        page = {400, "text/plain", "this is a WebSocket: the request has no Upgrade: websocket\n"};
    } else {
        page = {404, "text/plain", "nothing here\n"};
    }
    page.is_last |= wants_close(wsi);
    if (!write_head(wsi, page)) return end;
    if (is_head_request(wsi)) page.body.clear();
    session.is_last_page = page.is_last;
    delete std::exchange(session.page, new std::string(std::move(page.body)));
    lws_callback_on_writable(wsi);
    return keep;
}

int Clients::Impl::write_page(Session& session, lws* wsi) {
    if (!session.page) return keep;
    const std::unique_ptr<std::string> body(std::exchange(session.page, nullptr));
    if (!body->empty() && !write_body(wsi, *body)) return end;
    if (session.is_last_page) return end;
    auto* visitor = static_cast<Visitor*>(lws_get_opaque_user_data(wsi));
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
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return impl->upgrade(wsi);
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
            return session->is_open && impl->entries[session->socket].is_closing ? end : keep;
        case LWS_CALLBACK_CLOSED:
        case LWS_CALLBACK_CLOSED_HTTP:
            if (session) impl->gone(*session);
            return keep;
        case LWS_CALLBACK_HTTP: return impl->serve(*session, wsi, bytes());
        case LWS_CALLBACK_HTTP_WRITEABLE: return impl->write_page(*session, wsi);
        default: return lws_callback_http_dummy(wsi, reason, user, in, size);
    }
}

Clients::Clients(Loop& loop, ClientsConfig config, Door& door, TokenCheck& tokens, NodePages pages)
    : impl_(std::make_unique<Impl>(loop, std::move(config), door, tokens, std::move(pages))) {}

Clients::~Clients() {
    stop_listening();
    // It closes what is still open; the hub may be gone by then.
    impl_->hub = nullptr;
    if (impl_->context) lws_context_destroy(impl_->context);
}

void Clients::attach(Hub& hub) {
    impl_->hub = &hub;
    impl_->start();
}

bool Clients::send(SocketId socket, std::string_view bytes) {
    Entry& entry = impl_->entries[socket];
    if (entry.is_closing || !entry.wsi) return true;
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    if (lws_write(entry.wsi, data, bytes.size(), LWS_WRITE_RAW) < 0) {
        // The connection is broken; libwebsockets closes it when its loop sees it.
        lws_set_timeout(entry.wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
        lws_cancel_service(impl_->context);
        return true;
    }
    if (!lws_partial_buffered(entry.wsi)) return true;
    lws_callback_on_writable(entry.wsi);
    return false;
}

void Clients::close(SocketId socket, CloseCode code) {
    impl_->entries[socket].code = code;
    impl_->entries[socket].is_close_wanted = true;
    impl_->to_close.push_back(socket);
}

void Clients::end_turn() {
    for (const SocketId socket : std::exchange(impl_->to_close, {})) {
        Entry& entry = impl_->entries[socket];
        // The socket may be gone since, and another one have its place.
        if (!std::exchange(entry.is_close_wanted, false) || entry.is_closing) continue;
        send(socket, ws::close_frame(static_cast<std::uint16_t>(entry.code)));
        entry.is_closing = true;
        entry.cut_at = impl_->loop.now() + close_wait;
        impl_->closing.push_back(socket);
    }
}

void Clients::tick() {
    std::vector<SocketId> waiting;
    for (const SocketId socket : std::exchange(impl_->closing, {})) {
        const Entry entry = impl_->entries[socket];
        if (!entry.wsi || !entry.is_closing) continue;
        if (entry.cut_at <= impl_->loop.now()) {
            cut_off(entry.wsi);
        } else {
            waiting.push_back(socket);
        }
    }
    impl_->closing.insert(impl_->closing.end(), waiting.begin(), waiting.end());
    impl_->cut_late();
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

void Clients::show(std::shared_ptr<const Certificate> certificate) {
    impl_->config.certificate = std::move(certificate);
}

std::string Clients::address_of(SocketId socket) const {
    if (socket >= impl_->entries.size() || !impl_->entries[socket].wsi) return {};
    const auto* visitor =
        static_cast<Visitor*>(lws_get_opaque_user_data(impl_->entries[socket].wsi));
    return visitor ? visitor->client.text() : std::string();
}

}  // namespace roost
