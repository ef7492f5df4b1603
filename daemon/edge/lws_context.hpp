// lws_context: libwebsockets for one shard, set up as its clients need it.
//
// It listens nowhere: sockets are accepted by others, and adopted into one of its two virtual
// hosts. One loop, one thread.
#pragma once

#include <libwebsockets.h>

#include <array>
#include <memory>

#include "daemon/edge/certificate.hpp"
#include "daemon/edge/door.hpp"
#include "daemon/edge/loop.hpp"

namespace roost {

class LwsContext {
public:
    struct Config {
        lws_callback_function* on_event = nullptr;
        void* user = nullptr;           // lws_context_user()
        std::size_t session_bytes = 0;  // kept for each connection
        // What on_event was told by LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS.
        ssl_ctx_st* const& tls;
        // Shown at each handshake; without one at the start nothing speaks TLS.
        const std::shared_ptr<const Certificate>& certificate;
    };
    // Throws StartError.
    LwsContext(Loop& loop, const DoorRules& rules, const Config& config);

    // Its end closes what is open, and tells on_event of it.
    lws_context* raw() { return context_.get(); }
    // The one for TLS is there if there is a certificate.
    lws_vhost* vhost(bool is_tls) { return is_tls ? tls_vhost_ : vhost_; }

private:
    void make_vhosts(lws_context_creation_info& info, const Config& config);

    std::array<lws_protocols, 2> protocols_{};
    lws_token_limits token_limits_{};
    lws_retry_bo_t no_validity_timers_{};
    std::array<void*, 1> foreign_loops_{};
    struct Destroy {
        void operator()(lws_context* context) const { lws_context_destroy(context); }
    };
    std::unique_ptr<lws_context, Destroy> context_;
    lws_vhost* vhost_ = nullptr;
    lws_vhost* tls_vhost_ = nullptr;
};

}  // namespace roost
