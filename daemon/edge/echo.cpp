#include "daemon/edge/echo.hpp"

#include <libwebsockets.h>

#include "proto/ws_frame.hpp"

namespace roost {

bool Echo::receive(lws* wsi, std::string_view chunk) {
    if (message_.size() + chunk.size() + lws_remaining_packet_payload(wsi) > message_bytes_max_) {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, nullptr, 0);
        return false;
    }
    message_.append(chunk);
    if (!lws_is_final_fragment(wsi)) return true;
    const auto opcode = lws_frame_is_binary(wsi) ? ws::Opcode::binary : ws::Opcode::text;
    ws::append_head(waiting_, opcode, message_.size());
    waiting_.append(message_);
    message_.clear();
    lws_rx_flow_control(wsi, 0);
    lws_callback_on_writable(wsi);
    return true;
}

bool Echo::write(lws* wsi) {
    if (waiting_.empty()) {
        lws_rx_flow_control(wsi, 1);
        return true;
    }
    auto* data = reinterpret_cast<unsigned char*>(waiting_.data());
    if (lws_write(wsi, data, waiting_.size(), LWS_WRITE_RAW) < 0) return false;
    waiting_.clear();
    // Comes when all of it has left.
    lws_callback_on_writable(wsi);
    return true;
}

}  // namespace roost
