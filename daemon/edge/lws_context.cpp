#include "daemon/edge/lws_context.hpp"

#include "daemon/edge/library_log.hpp"
#include "daemon/edge/start_error.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {
constexpr std::size_t receive_bytes = 1024;
}

LwsContext::LwsContext(Loop& loop, const DoorRules& rules, const Config& config) {
    take_library_log();
    protocols_[0].name = "phoenix";
    protocols_[0].callback = config.on_event;
    protocols_[0].per_session_data_size = config.session_bytes;
    protocols_[0].rx_buffer_size = receive_bytes;
    // Otherwise a write is cut at the size of the receive buffer.
    protocols_[0].tx_packet_size = 1 << 20;

    foreign_loops_[0] = loop.raw();
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = foreign_loops_.data();
    info.protocols = protocols_.data();
    info.user = config.user;
    info.gid = info.uid = -1;  // stay who we are
    // Made on demand; a handshake in progress holds one, and slow ones must not shut out others.
    info.max_http_header_pool = 16'384;
    // All zero: its sorted list of timers costs O(n) for each connection. The hub pings.
    info.retry_and_idle_policy = &no_validity_timers_;
    // Visitors that are late are cut first; the library's own limits, which begin anew with each
    // request, and of which nothing is told, are behind it.
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(rules.handshake_timeout).count();
    info.timeout_secs = info.timeout_secs_ah_idle = static_cast<unsigned>(seconds) + 5;
    // A request that has more is closed without an answer.
    info.max_http_header_data2 = static_cast<unsigned>(rules.header_bytes_max);
    // Beyond it the library drops the connection. What is cut off is read before: see Lobby.
    token_limits_.token_limit[WSI_TOKEN_PROTOCOL] =
        static_cast<unsigned short>(limits::library_subprotocol_bytes);
    info.token_limits = &token_limits_;
    info.alpn = "http/1.1";
    // The hub looks at the text of the others itself.
    if (rules.has_echo) info.options |= LWS_SERVER_OPTION_VALIDATE_UTF8;
    if (config.certificate) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    context_.reset(lws_create_context(&info));
    if (!context_) {
        throw StartError(exit_code::software,
                         "libwebsockets did not start (is libwebsockets-evlib-ev installed?)");
    }
    make_vhosts(info, config);
}

void LwsContext::make_vhosts(lws_context_creation_info& info, const Config& config) {
    info.vhost_name = "plain";
    vhost_ = lws_create_vhost(context_.get(), &info);
    if (!vhost_) throw StartError(exit_code::software, "libwebsockets made no virtual host");
    if (!config.certificate) return;
    info.vhost_name = "tls";
    // The other value that stands for no port: one vhost is not taken for the other by it.
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    tls_vhost_ = lws_create_vhost(context_.get(), &info);
    if (!tls_vhost_ || !config.tls || !Certificate::serve(config.tls, config.certificate)) {
        throw StartError(exit_code::software, "libwebsockets made no virtual host for TLS");
    }
}

}  // namespace roost
