#include "daemon/edge/http_page.hpp"

#include <libwebsockets.h>

namespace roost {

namespace {

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

bool add_header(lws* wsi, lws_token_indexes token, std::string_view value, unsigned char** at,
                unsigned char* stop) {
    return lws_add_http_header_by_token(wsi, token, bytes_of(value), static_cast<int>(value.size()),
                                        at, stop) == 0;
}

bool write_head(lws* wsi, const HttpPage& page) {
    std::size_t room = 1024;
    for (const auto& [name, value] : page.headers) room += name.size() + value.size() + 4;
    std::string buffer(LWS_PRE + room, '\0');
    auto* const start = reinterpret_cast<unsigned char*>(buffer.data()) + LWS_PRE;
    unsigned char* at = start;
    unsigned char* const stop = start + room - 1;
    if (lws_add_http_header_status(wsi, page.status, &at, stop) ||
        !add_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, page.type, &at, stop) ||
        lws_add_http_header_content_length(wsi, page.body.size(), &at, stop)) {
        return false;
    }
    for (const auto& [name, value] : page.headers) {
        const std::string terminated(name);  // libwebsockets looks for the NUL
        if (lws_add_http_header_by_name(wsi, bytes_of(terminated), bytes_of(value),
                                        static_cast<int>(value.size()), &at, stop)) {
            return false;
        }
    }
    if (page.is_last && !add_header(wsi, WSI_TOKEN_CONNECTION, "close", &at, stop)) return false;
    return lws_finalize_write_http_header(wsi, start, &at, stop) == 0;
}

std::string_view phrase_of(unsigned status) {
    switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 429: return "Too Many Requests";
        case 503: return "Service Unavailable";
        default: return "Refused";
    }
}

}  // namespace

bool write_page(lws* wsi, const HttpPage& page) {
    if (!write_head(wsi, page)) return false;
    if (page.is_head_only || page.body.empty()) return true;
    std::string buffer(LWS_PRE, '\0');
    buffer.append(page.body);
    auto* data = reinterpret_cast<unsigned char*>(buffer.data()) + LWS_PRE;
    return lws_write(wsi, data, page.body.size(), LWS_WRITE_HTTP_FINAL) >= 0;
}

void write_by_hand(lws* wsi, const HttpPage& page) {
    std::string answer(LWS_PRE, '\0');
    answer.append("HTTP/1.1 ").append(std::to_string(page.status)).append(" ");
    answer.append(phrase_of(page.status)).append("\r\ncontent-type: ").append(page.type);
    answer.append("\r\ncontent-length: ").append(std::to_string(page.body.size()));
    for (const auto& [name, value] : page.headers) {
        answer.append("\r\n").append(name).append(" ").append(value);
    }
    answer.append("\r\nconnection: close\r\n\r\n").append(page.body);
    auto* data = reinterpret_cast<unsigned char*>(answer.data()) + LWS_PRE;
    // What it had to say has been read, and what it gets is flushed before the end.
    lws_write(wsi, data, answer.size() - LWS_PRE, LWS_WRITE_HTTP);
}

void write_refusal(lws* wsi, unsigned status, std::string_view sentence) {
    write_by_hand(wsi, {status, "text/plain", std::string(sentence) + "\n"});
}

}  // namespace roost
