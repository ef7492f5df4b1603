#include "daemon/core/handshake.hpp"

#include <algorithm>

#include "proto/header_text.hpp"

namespace roost {

namespace {

// 16 bytes in base64 (RFC 6455, section 4.1).
bool is_key(std::string_view key) {
    const auto is_digit = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
    };
    return key.size() == 24 && key.ends_with("==") &&
           std::all_of(key.begin(), key.end() - 2, is_digit);
}

// libwebsockets reads the list up to the first name that it knows.
std::optional<Refused> judge_subprotocols(std::string_view names, bool is_token_cut) {
    if (names.empty()) return std::nullopt;
    if (is_token_cut) {
        return Refused{Refusal::subprotocol, 400,
                       "'sec-websocket-protocol' header is too long here: send the token as the "
                       "parameter 'token'"};
    }
    if (!lists(names, "phoenix")) {
        return Refused{Refusal::subprotocol, 403,
                       "'sec-websocket-protocol' header must name 'phoenix' or be left out"};
    }
    if (!lists(names.substr(0, names.find(',')), "phoenix")) {
        return Refused{Refusal::subprotocol, 400,
                       "'sec-websocket-protocol' header must name 'phoenix' first"};
    }
    return std::nullopt;
}

std::optional<Refused> judge_websocket(const Handshake& request) {
    if (request.host.empty() || request.host_count != 1) {
        return Refused{Refusal::header, 400, "there must be one 'host' header"};
    }
    if (lower(request.upgrade) != "websocket") {
        return Refused{Refusal::header, 400, "'upgrade' header must equal 'websocket'"};
    }
    if (!lists(request.connection, "upgrade")) {
        return Refused{Refusal::header, 400, "'connection' header must contain 'upgrade'"};
    }
    if (request.version != "13") {
        return Refused{Refusal::header, 400, "'sec-websocket-version' header must equal '13'"};
    }
    if (request.key.empty()) {
        return Refused{Refusal::header, 400, "'sec-websocket-key' header is missing"};
    }
    if (!is_key(request.key)) {
        return Refused{Refusal::header, 400,
                       "'sec-websocket-key' header must be 16 bytes in base64"};
    }
    // No extension is spoken, and an offer is ignored. But libwebsockets reads it, and drops the
    // connection over a longer one.
    constexpr std::size_t extension_bytes_max = 254;
    if (request.extensions.size() > extension_bytes_max) {
        return Refused{Refusal::header, 400,
                       "'sec-websocket-extensions' header must not have more than 254 bytes"};
    }
    return judge_subprotocols(request.subprotocols, request.is_token_cut);
}

}  // namespace

std::optional<Refused> judge_lengths(const Handshake& request) {
    if (request.has_transfer_encoding) {
        return Refused{Refusal::lengths, 400, "no 'transfer-encoding' is taken here"};
    }
    if (request.content_length_count > 1) {
        return Refused{Refusal::lengths, 400, "there must be one 'content-length' header at most"};
    }
    if (request.content_length.find_first_not_of("0123456789") != std::string::npos ||
        request.content_length.size() > 18) {
        return Refused{Refusal::lengths, 400, "'content-length' header must be a number"};
    }
    return std::nullopt;
}

std::optional<Refused> judge(const Handshake& request, const AllowedOrigins& origins) {
    if (!request.is_get) return Refused{Refusal::method, 400, "a handshake is a GET"};
    if (const auto refused = judge_lengths(request)) return refused;
    if (request.content_length.find_first_not_of('0') != std::string::npos) {
        return Refused{Refusal::lengths, 400, "a handshake has no body"};
    }
    if (!origins.allow(request.origin, request.host)) {
        return Refused{Refusal::origin, 403, "pages of this origin may not connect here"};
    }
    if (!request.is_vsn_spoken) {
        return Refused{Refusal::vsn, 403, "vsn is not spoken here: use vsn=2.0.0"};
    }
    return judge_websocket(request);
}

}  // namespace roost
