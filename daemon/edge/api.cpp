#include "daemon/edge/api.hpp"

#include <charconv>

#include "daemon/edge/http_request.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {

// Under way in one shard at once; and of their bodies.
constexpr std::size_t calls_max = 256;
constexpr std::size_t bodies_bytes_max = 64'000'000;

constexpr std::string_view publish_path = "/api/publish";
constexpr std::string_view topics_path = "/api/topics";
constexpr std::string_view nodes_path = "/api/nodes";
constexpr std::string_view sessions_path = "/api/sessions/";

std::string method_of(lws* wsi) {
    const std::pair<lws_token_indexes, const char*> methods[] = {
        {WSI_TOKEN_GET_URI, "GET"}, {WSI_TOKEN_POST_URI, "POST"}, {WSI_TOKEN_DELETE_URI, "DELETE"}};
    for (const auto& [token, name] : methods) {
        if (lws_hdr_total_length(wsi, token) > 0) return name;
    }
    return {};
}

std::string last(std::vector<std::string> values) {
    return values.empty() ? std::string() : std::move(values.back());
}

std::string_view method_for(std::string_view path) {
    if (path == publish_path) return "POST";
    if (path == nodes_path || path == topics_path) return "GET";
    if (path.starts_with(topics_path) && path.substr(topics_path.size()).starts_with('/')) {
        return path.size() > topics_path.size() + 1 ? "GET" : "";
    }
    return path.starts_with(sessions_path) ? "DELETE" : "";
}

}  // namespace

std::optional<api::Page> Api::why_not(lws* wsi, const Call& call) const {
    if (!keys_ || keys_->empty()) {
        return api::problem(404, "no_api",
                            "the HTTP API is off: it is opened by roostd --api-key-file");
    }
    const auto authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    constexpr std::string_view scheme = "Bearer ";
    if (!authorization.starts_with(scheme) ||
        !api::is_key(*keys_, std::string_view(authorization).substr(scheme.size()))) {
        return api::problem(401, "bad_key",
                            "send one of the API's keys, as in Authorization: Bearer KEY");
    }
    const auto method = method_for(call.path);
    if (method.empty()) return api::problem(404, "no_path", "the API has no such path");
    if (method != call.method) {
        return api::problem(405, "bad_method", "this path is for " + std::string(method));
    }
    if (calls_.size() >= calls_max) {
        return api::problem(503, "busy", "too many requests are under way: send them more slowly");
    }
    return std::nullopt;
}

void Api::on_request(lws* wsi, std::string_view path) {
    const Handshake head = read_handshake(wsi);
    Call call;
    call.method = method_of(wsi);
    call.path = path;
    call.type = header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
    call.topic = last(arguments(wsi, "topic"));
    call.event = last(arguments(wsi, "event"));
    call.is_final = last(arguments(wsi, "final")) == "1";
    call.verdict = why_not(wsi, call);
    if (judge_lengths(head)) {
        return finish(wsi, api::problem(400, "bad_request", "the body's length is not clear"));
    }
    if (!head.content_length.empty()) {
        // Its digits have been judged; as many as do not fit are too many.
        const auto& text = head.content_length;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), call.body_bytes);
        if (read.ec != std::errc() || call.body_bytes > limits::poll_body_bytes_max) {
            return finish(wsi, api::problem(413, "too_big", "a body has at most 8000000 bytes"));
        }
    } else if (call.method == "POST") {
        return finish(wsi, api::problem(411, "bad_request", "Content-Length is missing"));
    }
    if (bodies_bytes_ + call.body_bytes > bodies_bytes_max) {
        return finish(wsi, api::problem(503, "busy", "too much is being read: try again"));
    }
    bodies_bytes_ += call.body_bytes;
    const bool is_whole = call.body_bytes == 0;
    calls_[wsi] = std::move(call);
    if (is_whole) on_body_end(wsi);
}

void Api::on_body(lws* wsi, std::string_view piece) {
    const auto found = calls_.find(wsi);
    // The body of a request that is refused is read all the same: an end before it would reset the
    // connection.
    if (found == calls_.end() || found->second.id != 0 || found->second.verdict) return;
    std::string& body = found->second.body;
    body.append(piece.substr(0, found->second.body_bytes - body.size()));
}

void Api::on_body_end(lws* wsi) {
    const auto found = calls_.find(wsi);
    if (found == calls_.end() || found->second.id != 0) return;
    Call& call = found->second;
    if (call.verdict) return finish(wsi, api::Page(*call.verdict));
    auto request = request_of(call);
    if (!request) return finish(wsi, request.error());
    call.body = {};
    call.id = request->id = ++last_id_;
    asked_[call.id] = wsi;
    ask_(std::move(*request));
}

Result<control::Request, api::Page> Api::request_of(Call& call) {
    if (call.path == publish_path) {
        const bool is_bytes = call.type.starts_with("application/octet-stream");
        auto publish = is_bytes ? api::publish_bytes(call.topic, call.event, call.body)
                                : api::parse_publish(json_, call.body);
        if (!publish) return Unexpected{publish.error()};
        return control::Request{0, std::move(*publish)};
    }
    if (call.path == nodes_path) return control::Request{0, control::Nodes{}};
    if (call.path.starts_with(topics_path)) {
        if (call.path != topics_path) call.about = call.path.substr(topics_path.size() + 1);
        return control::Request{0, control::Topics{}};
    }
    const auto session = parse_session(std::string_view(call.path).substr(sessions_path.size()));
    if (!session) {
        return Unexpected{api::problem(
            400, "bad_request",
            "the path must end in the name of a session, as 0123456789abcdef.0-4294967296")};
    }
    return control::Request{0, control::Kick{*session, call.is_final}};
}

void Api::finish(lws* wsi, const api::Page& page) {
    on_gone(wsi);
    HttpPage shown{page.status, page.type, page.body, true};
    shown.headers = {{"cache-control:", "no-store"}};
    if (page.status == 401) shown.headers.emplace_back("www-authenticate:", "Bearer");
    show_(wsi, std::move(shown));
}

void Api::on_gone(lws* wsi) {
    const auto found = calls_.find(wsi);
    if (found == calls_.end()) return;
    bodies_bytes_ -= found->second.body_bytes;
    asked_.erase(found->second.id);
    calls_.erase(found);
}

bool Api::is_waiting(lws* wsi) const {
    const auto found = calls_.find(wsi);
    return found != calls_.end() && found->second.id != 0;
}

void Api::on_answer(const control::Answer& answer) {
    const auto found = asked_.find(answer.id);
    if (found == asked_.end()) return;  // whoever asked is gone
    lws* const wsi = found->second;
    finish(wsi, api::page_of(answer, calls_.at(wsi).about));
}

}  // namespace roost
