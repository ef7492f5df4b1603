#include "daemon/edge/http_request.hpp"

#include <algorithm>

#include "proto/header_text.hpp"
#include "proto/long_poll.hpp"
#include "proto/subprotocol_token.hpp"

namespace roost {

namespace {

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

}  // namespace

std::string header(lws* wsi, lws_token_indexes token) {
    const int length = lws_hdr_total_length(wsi, token);
    if (length <= 0) return {};
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    const int size = lws_hdr_copy(wsi, text.data(), length + 1, token);
    if (size < 0) return {};
    text.resize(std::min(text.size(), static_cast<std::size_t>(size)));
    return text;
}

std::string header(lws* wsi, std::string_view name) {
    const int name_bytes = static_cast<int>(name.size());
    const int length = lws_hdr_custom_length(wsi, name.data(), name_bytes);
    if (length <= 0) return {};
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    if (lws_hdr_custom_copy(wsi, text.data(), length + 1, name.data(), name_bytes) < 0) return {};
    text.pop_back();  // the NUL
    return std::string(trim_blanks(text));
}

// The library's own lws_get_urlarg_by_name gives up at an argument that is longer than the one that
// is looked for.
std::vector<std::string> arguments(lws* wsi) {
    std::vector<std::string> found;
    const int length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
    if (length <= 0) return found;
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    for (int i = 0;; ++i) {
        const int size =
            lws_hdr_copy_fragment(wsi, text.data(), length + 1, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size < 0) return found;
        found.emplace_back(text, 0, static_cast<std::size_t>(size));
    }
}

std::vector<std::string> arguments(lws* wsi, std::string_view name) {
    std::vector<std::string> found;
    for (const std::string& argument : arguments(wsi)) {
        const std::string_view one = argument;
        if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) {
            found.emplace_back(one.substr(name.size() + 1));
        }
    }
    return found;
}

std::optional<Wire> wire_of(lws* wsi) {
    if (!arguments(wsi, "vsn[]").empty()) return std::nullopt;  // a list is no version
    // phoenix.js puts its own behind the parameters of the application.
    const auto given = arguments(wsi, "vsn");
    const std::string_view vsn = given.empty() ? std::string_view("1.0.0") : given.back();
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

std::string token_of(lws* wsi, std::string_view subprotocols) {
    if (auto token = token_of_subprotocols(subprotocols)) return *token;
    if (auto token = header(wsi, "x-phoenix-authtoken:"); !token.empty()) return token;
    const auto authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    constexpr std::string_view scheme = "Bearer ";
    if (authorization.starts_with(scheme)) return authorization.substr(scheme.size());
    auto tokens = arguments(wsi, "token");
    // phoenix.js puts the token of a long poll behind it, by the same name; before it has one,
    // "null".
    std::erase_if(tokens, [](const std::string& token) {
        return token == "null" || parse_poll_token(token);
    });
    return tokens.empty() ? std::string() : std::move(tokens.back());
}

bool is_head_request(lws* wsi) {
    return lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
}

bool wants_close(lws* wsi) {
    const auto connection = header(wsi, WSI_TOKEN_CONNECTION);
    const auto version = header(wsi, WSI_TOKEN_HTTP);
    return lists(connection, "close") || version == "HTTP/1.0";
}

}  // namespace roost
