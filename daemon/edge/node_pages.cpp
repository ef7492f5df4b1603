#include "daemon/edge/node_pages.hpp"

#include "daemon/edge/try_page.hpp"

namespace roost {

HttpPage page_at(std::string_view path, const NodePages& node, const PageOptions& options) {
    if (path == "/healthz") return {200, "text/plain", "alive\n"};
    if (path == "/readyz") {
        const bool is_ready = node.is_ready();
        return {is_ready ? 200U : 503U, "text/plain", is_ready ? "ready\n" : "not ready\n"};
    }
    if (path == "/metrics") return {200, "text/plain; version=0.0.4", node.metrics()};
    if (path == "/" && options.has_try_page) {
        return {200, "text/html; charset=utf-8", std::string(try_page)};
    }
    if (path == options.websocket_path) {
        return {400, "text/plain", "this is a WebSocket: the request has no Upgrade: websocket\n"};
    }
    return {404, "text/plain", "nothing here\n"};
}

}  // namespace roost
