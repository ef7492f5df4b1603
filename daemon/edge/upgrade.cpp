#include "daemon/edge/upgrade.hpp"

#include <libwebsockets.h>

#include <array>
#include <optional>

namespace roost {

namespace {

// The text of a header; nothing if it is absent or does not fit.
std::optional<std::string> header(lws* wsi, lws_token_indexes token) {
    std::array<char, 1024> buffer{};
    if (lws_hdr_total_length(wsi, token) <= 0) return std::nullopt;
    const int size = lws_hdr_copy(wsi, buffer.data(), static_cast<int>(buffer.size()), token);
    if (size < 0) return std::nullopt;
    return std::string(buffer.data(), static_cast<std::size_t>(size));
}

// MAJOR.0.x, as Phoenix has it.
bool is_version(std::string_view vsn, std::string_view major) {
    if (!vsn.starts_with(major)) return false;
    const auto patch = vsn.substr(major.size());
    return !patch.empty() && patch.find_first_not_of("0123456789") == std::string_view::npos;
}

int refuse(lws* wsi, unsigned status, const std::string& reason) {
    const HttpPage page{status, "text/plain", reason + "\n"};
    if (!write_head(wsi, page) || !write_body(wsi, page.body)) return -1;
    return 1;
}

}  // namespace

bool write_head(lws* wsi, const HttpPage& page) {
    std::array<unsigned char, LWS_PRE + 1024> buffer{};
    unsigned char* const start = buffer.data() + LWS_PRE;
    unsigned char* at = start;
    unsigned char* const stop = buffer.data() + buffer.size() - 1;
    if (lws_add_http_common_headers(wsi, page.status, page.type.c_str(), page.body.size(), &at,
                                    stop)) {
        return false;
    }
    return lws_finalize_write_http_header(wsi, start, &at, stop) == 0;
}

bool write_body(lws* wsi, std::string_view body) {
    std::string buffer(LWS_PRE, '\0');
    buffer.append(body);
    auto* data = reinterpret_cast<unsigned char*>(buffer.data()) + LWS_PRE;
    return lws_write(wsi, data, body.size(), LWS_WRITE_HTTP_FINAL) >= 0;
}

int check_upgrade(lws* wsi, std::string_view websocket_path) {
    // libwebsockets 4.1.6 calls this also for a request whose headers it has dropped already
    // (CVE-2025-11677). Without the header there is nothing to look at.
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0) return -1;
    const auto path = header(wsi, WSI_TOKEN_GET_URI);
    if (!path) return refuse(wsi, 400, "a handshake is a GET");
    if (*path != websocket_path) return refuse(wsi, 404, "nothing here");
    const auto version = header(wsi, WSI_TOKEN_VERSION);
    if (version != "13") {
        return refuse(wsi, 400, "'sec-websocket-version' header must equal '13'");
    }
    if (!header(wsi, WSI_TOKEN_KEY)) {
        return refuse(wsi, 400, "'sec-websocket-key' header is missing");
    }
    if (!wire_of(wsi)) return refuse(wsi, 403, "vsn is not spoken here: use vsn=2.0.0");
    return 0;
}

std::optional<Wire> wire_of(lws* wsi) {
    std::array<char, 32> buffer{};
    const char* found =
        lws_get_urlarg_by_name(wsi, "vsn=", buffer.data(), static_cast<int>(buffer.size()));
    const std::string_view vsn = found ? found : "1.0.0";
    if (is_version(vsn, "2.0.")) return Wire::v2;
    if (is_version(vsn, "1.0.")) return Wire::v1;
    return std::nullopt;
}

}  // namespace roost
