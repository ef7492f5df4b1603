#include "daemon/edge/clients.hpp"

#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "daemon/core/invariant.hpp"
#include "daemon/edge/log.hpp"
#include "daemon/edge/start_error.hpp"
#include "daemon/edge/try_page.hpp"
#include "daemon/edge/upgrade.hpp"
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
    Wire wire;
    std::string* partial;  // of a message that came in pieces
    std::string* page;     // HTTP body still to be written
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
    NodePages pages;
    Hub* hub = nullptr;
    lws_context* context = nullptr;
    lws_vhost* vhost = nullptr;
    std::array<lws_protocols, 2> protocols{};
    lws_retry_bo_t no_validity_timers{};
    std::array<void*, 1> foreign_loops{};
    std::vector<Entry> entries;
    std::vector<SocketId> to_close, closing;
    bool is_listener_paused = false;

    Impl(Loop& loop_, ClientsConfig config_, NodePages pages_)
        : loop(loop_), config(std::move(config_)), pages(std::move(pages_)) {}

    void start();
    void accept_some();
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
    static const bool is_log_set = [] {
        lws_set_log_level(LLL_ERR | LLL_WARN, [](int level, const char* line) {
            std::string_view text(line);
            while (text.ends_with('\n')) text.remove_suffix(1);
            log_line(level == LLL_ERR ? LogLevel::error : LogLevel::warning, text);
        });
        return true;
    }();
    (void)is_log_set;
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
    info.timeout_secs = 10;
    info.alpn = "http/1.1";
    context = lws_create_context(&info);
    if (!context) {
        throw StartError(exit_code::software,
                         "libwebsockets did not start (is libwebsockets-evlib-ev installed?)");
    }
    vhost = lws_create_vhost(context, &info);
    if (!vhost) throw StartError(exit_code::software, "libwebsockets made no virtual host");
    loop.on_readable(config.listener, [this] { accept_some(); });
}

void Clients::Impl::accept_some() {
    for (int i = 0; i < accepts_a_turn; ++i) {
        const int fd = accept4(config.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EMFILE && errno != ENFILE) return;
            // No descriptor is free: a listener that stays readable would spin. tick() resumes.
            loop.pause(config.listener);
            is_listener_paused = true;
            return;
        }
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        lws_adopt_socket_vhost(vhost, fd);  // closes it when it fails
    }
}

void Clients::Impl::open(Session& session, lws* wsi) {
    session.socket = hub->on_open(session.wire, loop.now());
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
    if (path == "/healthz") {
        page = {200, "text/plain", "alive\n"};
    } else if (path == "/readyz") {
        const bool is_ready = pages.is_ready();
        page = {is_ready ? 200U : 503U, "text/plain", is_ready ? "ready\n" : "not ready\n"};
    } else if (path == "/metrics") {
        page = {200, "text/plain; version=0.0.4", pages.metrics()};
    } else if (path == "/" && config.has_try_page) {
        page = {200, "text/html; charset=utf-8", std::string(try_page)};
    } else if (path == config.socket_path + "/websocket") {
        page = {400, "text/plain", "this is a WebSocket: the request has no Upgrade: websocket\n"};
    } else {
        page = {404, "text/plain", "nothing here\n"};
    }
    if (!write_head(wsi, page)) return end;
    delete std::exchange(session.page, new std::string(std::move(page.body)));
    lws_callback_on_writable(wsi);
    return keep;
}

int Clients::Impl::write_page(Session& session, lws* wsi) {
    if (!session.page) return keep;
    const std::unique_ptr<std::string> body(std::exchange(session.page, nullptr));
    if (!write_body(wsi, *body)) return end;
    return lws_http_transaction_completed(wsi) ? end : keep;
}

// C calls this: nothing may be thrown out of it.
int Clients::Impl::on_event(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                            size_t size) noexcept {
    auto* impl = static_cast<Impl*>(lws_context_user(lws_get_context(wsi)));
    auto* session = static_cast<Session*>(user);
    const auto bytes = [&] { return std::string_view(static_cast<const char*>(in), size); };
    switch (reason) {
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
            return check_upgrade(wsi, impl->config.socket_path + "/websocket");
        case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
            session->wire = *wire_of(wsi);  // it was spoken here when the handshake was checked
            return keep;
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

Clients::Clients(Loop& loop, ClientsConfig config, NodePages pages)
    : impl_(std::make_unique<Impl>(loop, std::move(config), std::move(pages))) {}

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
    if (std::exchange(impl_->is_listener_paused, false) && impl_->config.listener >= 0) {
        impl_->loop.resume(impl_->config.listener);
    }
}

void Clients::stop_listening() {
    if (impl_->config.listener < 0) return;
    impl_->loop.forget(impl_->config.listener);
    ::close(std::exchange(impl_->config.listener, -1));
}

}  // namespace roost
