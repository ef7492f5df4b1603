#include "daemon/edge/upgrade.hpp"

#include <libwebsockets.h>

#include <algorithm>
#include <array>

#include "daemon/edge/door.hpp"
#include "daemon/edge/visitors.hpp"
#include "proto/header_text.hpp"
#include "proto/subprotocol_token.hpp"

namespace roost {

namespace {

// The text of a header, lines of the same name joined by commas; empty if it is absent.
std::string header(lws* wsi, lws_token_indexes token) {
    const int length = lws_hdr_total_length(wsi, token);
    if (length <= 0) return {};
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    const int size = lws_hdr_copy(wsi, text.data(), length + 1, token);
    if (size < 0) return {};
    text.resize(std::min(text.size(), static_cast<std::size_t>(size)));
    return text;
}

unsigned lines_of(lws* wsi, lws_token_indexes token) {
    if (lws_hdr_total_length(wsi, token) <= 0) return 0;
    return lws_hdr_fragment_length(wsi, token, 1) > 0 ? 2 : 1;
}

// MAJOR.0.x, as Phoenix has it.
bool is_version(std::string_view vsn, std::string_view major) {
    if (!vsn.starts_with(major)) return false;
    const auto patch = vsn.substr(major.size());
    return !patch.empty() && patch.find_first_not_of("0123456789") == std::string_view::npos;
}

// What stands behind NAME= in the query, decoded; nothing if it is not there. The library's own
// lws_get_urlarg_by_name gives up at an argument that is longer than the one that is looked for.
std::optional<std::string> argument(lws* wsi, std::string_view name) {
    const int length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
    if (length <= 0) return std::nullopt;
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    for (int i = 0;; ++i) {
        const int size =
            lws_hdr_copy_fragment(wsi, text.data(), length + 1, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size < 0) return std::nullopt;
        const std::string_view found(text.data(), static_cast<std::size_t>(size));
        if (found.starts_with(name) && found.substr(name.size()).starts_with('=')) {
            return std::string(found.substr(name.size() + 1));
        }
    }
}

// What the query's vsn says that the client speaks; nothing if it is not spoken here.
std::optional<Wire> wire_of(lws* wsi) {
    const auto vsn = argument(wsi, "vsn").value_or("1.0.0");
    if (is_version(vsn, "2.0.")) return Wire::v2;
    if (is_version(vsn, "1.0.")) return Wire::v1;
    return std::nullopt;
}

Handshake read_handshake(lws* wsi) {
    Handshake request;
    request.is_get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    request.host = header(wsi, WSI_TOKEN_HOST);
    request.host_count = lines_of(wsi, WSI_TOKEN_HOST);
    request.origin = header(wsi, WSI_TOKEN_ORIGIN);
    request.upgrade = header(wsi, WSI_TOKEN_UPGRADE);
    request.connection = header(wsi, WSI_TOKEN_CONNECTION);
    request.version = header(wsi, WSI_TOKEN_VERSION);
    request.key = header(wsi, WSI_TOKEN_KEY);
    request.extensions = header(wsi, WSI_TOKEN_EXTENSIONS);
    request.subprotocols = header(wsi, WSI_TOKEN_PROTOCOL);
    request.has_transfer_encoding = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    request.content_length = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    request.content_length_count = lines_of(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    return request;
}

// From the subprotocols, as phoenix.js 1.8 sends it, the header, or the parameters of the socket.
std::string token_of(lws* wsi) {
    if (auto token = token_of_subprotocols(header(wsi, WSI_TOKEN_PROTOCOL))) return *token;
    const auto authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    constexpr std::string_view scheme = "Bearer ";
    if (authorization.starts_with(scheme)) return authorization.substr(scheme.size());
    return argument(wsi, "token").value_or("");
}

std::string_view phrase_of(unsigned status) {
    switch (status) {
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 429: return "Too Many Requests";
        case 503: return "Service Unavailable";
        default: return "Refused";
    }
}

int refuse(lws* wsi, Door& door, const Address& client, const Refused& refused) {
    door.refuse(refused.reason, client);
    // By hand: libwebsockets has not looked at the request's version yet, and would answer in 1.0.
    std::string answer(LWS_PRE, '\0');
    answer.append("HTTP/1.1 ").append(std::to_string(refused.status)).append(" ");
    answer.append(phrase_of(refused.status)).append("\r\ncontent-type: text/plain\r\n");
    answer.append("content-length: ").append(std::to_string(refused.sentence.size() + 1));
    answer.append("\r\nconnection: close\r\n\r\n").append(refused.sentence).append("\n");
    auto* data = reinterpret_cast<unsigned char*>(answer.data()) + LWS_PRE;
    // What it had to say has been read, and what it gets is flushed before the end.
    lws_write(wsi, data, answer.size() - LWS_PRE, LWS_WRITE_HTTP);
    return -1;
}

Refused overcrowded(Refusal reason) {
    if (reason == Refusal::address_full) {
        return {reason, 429, "too many connections from this address: close one first"};
    }
    return {reason, 503, "this node has all the connections that it takes: try another"};
}

bool add_header(lws* wsi, lws_token_indexes token, std::string_view value, unsigned char** at,
                unsigned char* stop) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
    return lws_add_http_header_by_token(wsi, token, bytes, static_cast<int>(value.size()), at,
                                        stop) == 0;
}

}  // namespace

bool write_head(lws* wsi, const HttpPage& page) {
    std::array<unsigned char, LWS_PRE + 1024> buffer{};
    unsigned char* const start = buffer.data() + LWS_PRE;
    unsigned char* at = start;
    unsigned char* const stop = buffer.data() + buffer.size() - 1;
    if (lws_add_http_header_status(wsi, page.status, &at, stop) ||
        !add_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, page.type, &at, stop) ||
        lws_add_http_header_content_length(wsi, page.body.size(), &at, stop)) {
        return false;
    }
    if (page.is_last && !add_header(wsi, WSI_TOKEN_CONNECTION, "close", &at, stop)) return false;
    return lws_finalize_write_http_header(wsi, start, &at, stop) == 0;
}

bool write_body(lws* wsi, std::string_view body) {
    std::string buffer(LWS_PRE, '\0');
    buffer.append(body);
    auto* data = reinterpret_cast<unsigned char*>(buffer.data()) + LWS_PRE;
    return lws_write(wsi, data, body.size(), LWS_WRITE_HTTP_FINAL) >= 0;
}

bool is_head_request(lws* wsi) {
    return lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
}

bool wants_close(lws* wsi) {
    const auto connection = header(wsi, WSI_TOKEN_CONNECTION);
    const auto version = header(wsi, WSI_TOKEN_HTTP);
    return lists(connection, "close") || version == "HTTP/1.0";
}

bool refuse_page(lws* wsi, Door& door, const Visitor& visitor) {
    const Handshake request = read_handshake(wsi);
    auto refused = judge_lengths(request);
    if (!refused && !request.is_get && !is_head_request(wsi)) {
        refused = Refused{Refusal::method, 405, "pages here are got: use GET"};
    }
    if (refused) refuse(wsi, door, visitor.client, *refused);
    return refused.has_value();
}

int check_upgrade(lws* wsi, const UpgradePaths& paths, const UpgradeChecks& checks,
                  Visitor& visitor) {
    Door& door = checks.door;
    // libwebsockets 4.1.6 calls this also for a request whose headers it has dropped already
    // (CVE-2025-11677). Without the header there is nothing to look at.
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0) return -1;
    const auto& proxies = door.rules().proxies;
    const Address client = proxies.client_of(visitor.peer, header(wsi, WSI_TOKEN_X_FORWARDED_FOR));
    Handshake request = read_handshake(wsi);
    const auto path = header(wsi, WSI_TOKEN_GET_URI);
    const bool is_echo = !paths.echo.empty() && path == paths.echo;
    if (request.is_get && !is_echo && path != paths.websocket) {
        return refuse(wsi, door, client, {Refusal::path, 404, "nothing here"});
    }
    const auto wire = wire_of(wsi);
    request.is_vsn_spoken = is_echo || wire;
    if (const auto refused = judge(request, door.rules().origins)) {
        return refuse(wsi, door, client, *refused);
    }
    const auto token = is_echo || !checks.tokens.has_keys() ? std::string() : token_of(wsi);
    if (!token.empty()) {
        auto bearer = checks.tokens.check(token, checks.now);
        if (!bearer) {
            return refuse(wsi, door, client, {Refusal::token, 403, name_of(bearer.error())});
        }
        visitor.bearer = std::make_unique<const Bearer>(std::move(*bearer));
    }
    if (const auto full = checks.visitors.settle(visitor, client)) {
        return refuse(wsi, door, client, overcrowded(*full));
    }
    if (is_echo) {
        visitor.echo = std::make_unique<Echo>(checks.message_bytes_max);
    } else {
        visitor.wire = *wire;
    }
    return 0;
}

}  // namespace roost
