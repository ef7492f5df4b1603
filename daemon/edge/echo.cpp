#include "daemon/edge/echo.hpp"

#include <libwebsockets.h>

#include <algorithm>

#include "daemon/core/hub.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {

// Beside one message of the largest size.
constexpr std::size_t waiting_bytes_max = 8'000'000;
// What is given to the library at once: it copies what the socket does not take.
constexpr std::size_t piece_bytes_max = 65'536;

bool close_with(lws* wsi, CloseCode code) {
    lws_close_reason(wsi, static_cast<lws_close_status>(code), nullptr, 0);
    return false;
}

}  // namespace

bool Echo::receive(lws* wsi, std::string_view chunk) {
    if (message_.size() + chunk.size() + lws_remaining_packet_payload(wsi) > message_bytes_max_) {
        return close_with(wsi, CloseCode::too_big);
    }
    message_.append(chunk);
    if (!lws_is_final_fragment(wsi)) return true;
    const auto opcode = lws_frame_is_binary(wsi) ? ws::Opcode::binary : ws::Opcode::text;
    ws::append_head(waiting_, opcode, message_.size());
    waiting_.append(message_);
    message_.clear();
    if (waiting_.size() - sent_ > waiting_bytes_max + message_bytes_max_) {
        return close_with(wsi, CloseCode::try_later);
    }
    lws_callback_on_writable(wsi);
    return true;
}

bool Echo::write(lws* wsi) {
    while (sent_ < waiting_.size() && !lws_partial_buffered(wsi)) {
        auto* data = reinterpret_cast<unsigned char*>(waiting_.data()) + sent_;
        const auto size = std::min(piece_bytes_max, waiting_.size() - sent_);
        if (lws_write(wsi, data, size, LWS_WRITE_RAW) < 0) return false;
        sent_ += size;
    }
    if (sent_ < waiting_.size()) {
        // Comes when all that was given has left.
        lws_callback_on_writable(wsi);
    } else {
        waiting_.clear();
        sent_ = 0;
    }
    return true;
}

}  // namespace roost
