#include "daemon/edge/held_requests.hpp"

#include <libwebsockets.h>
#include <poll.h>

#include <vector>

namespace roost {

void HeldRequests::hold(lws* wsi) {
    const int fd = lws_get_socket_fd(wsi);
    if (!descriptors_.emplace(wsi, fd).second) return;
    lws_rx_flow_control(wsi, 0);
    loop_.on_readable(fd, [this, wsi, fd] {
        loop_.pause(fd);
        doubtful_.insert(wsi);
    });
}

void HeldRequests::release(lws* wsi) {
    if (!descriptors_.contains(wsi)) return;
    forget(wsi);
    lws_rx_flow_control(wsi, 1);
}

void HeldRequests::forget(lws* wsi) {
    const auto found = descriptors_.find(wsi);
    if (found == descriptors_.end()) return;
    loop_.forget(found->second);
    descriptors_.erase(found);
    doubtful_.erase(wsi);
}

void HeldRequests::tick() {
    std::vector<lws*> gone;
    for (lws* wsi : doubtful_) {
        pollfd about{descriptors_.at(wsi), POLLRDHUP, 0};
        if (poll(&about, 1, 0) > 0) gone.push_back(wsi);
    }
    for (lws* wsi : gone) {
        forget(wsi);
        on_gone_(wsi);
    }
}

}  // namespace roost
