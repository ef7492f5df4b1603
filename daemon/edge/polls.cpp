#include "daemon/edge/polls.hpp"

#include <sys/random.h>

#include "daemon/core/invariant.hpp"
#include "daemon/edge/greeting.hpp"
#include "daemon/edge/http_request.hpp"
#include "daemon/edge/visitors.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {

// Of all requests with much to say that are being read in a shard. Others are let be: a WebSocket
// may say as much at once.
constexpr std::size_t bodies_bytes_max = 64'000'000;
// Each is a connection, with what the kernel keeps for it.
constexpr std::size_t late_max = 1000;
constexpr std::size_t small_body_bytes = 65'536;

std::size_t counted(std::size_t body_bytes) {
    return body_bytes > small_body_bytes ? body_bytes : 0;
}
constexpr std::string_view allow_origin = "access-control-allow-origin:";

std::string draw_secret() {
    std::string secret(PollToken::secret_bytes, '\0');
    INVARIANT(getrandom(secret.data(), secret.size(), 0) ==
              static_cast<ssize_t>(PollToken::secret_bytes));
    return secret;
}

HttpPage page_of(PollAnswer answer) {
    HttpPage page{200, "application/json; charset=utf-8", std::move(answer.body), true};
    page.headers = {{"cache-control:", "no-store"}, {allow_origin, "*"}};
    return page;
}

// What a page of another origin asks before it posts.
HttpPage preflight(lws* wsi) {
    HttpPage page{200, "text/plain", {}, true};
    page.headers = {{allow_origin, "*"},
                    {"access-control-allow-methods:", "get, post, options"},
                    {"access-control-max-age:", "3600"}};
    const auto asked = header(wsi, WSI_TOKEN_HTTP_AC_REQUEST_HEADERS);
    if (!asked.empty()) page.headers.emplace_back("access-control-allow-headers:", asked);
    return page;
}

// From the header, which wins, or from the query, where it stands last.
std::optional<PollToken> session_of(lws* wsi) {
    const auto given = header(wsi, "x-phoenix-longpoll-token:");
    if (!given.empty()) return parse_poll_token(given);
    const auto tokens = arguments(wsi, "token");
    return tokens.empty() ? std::nullopt : parse_poll_token(tokens.back());
}

}  // namespace

Polls::Polls(const Origin& home, const PollLimits& limits, Door& door, TokenCheck& tokens,
             PollsOutside outside)
    : home_(home), limits_(limits), door_(door), tokens_(tokens), outside_(std::move(outside)) {}

Polls::~Polls() {
    for (const auto& [socket, client] : clients_) door_.leave(client, client, true);
}

void Polls::attach(Hub& hub) {
    PollOutlet& outlet = *this;
    sessions_ = std::make_unique<PollSessions>(home_, limits_, hub, outlet);
}

void Polls::on_request(lws* wsi, const Visitor& visitor) {
    INVARIANT(!calls_.contains(wsi));  // it is the first of its connection
    const Handshake request = read_handshake(wsi);
    Call call;
    const bool is_post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    const bool has_length = !request.content_length.empty();
    if (judge_lengths(request)) return refuse(wsi, 400);
    if (is_post) {
        if (!has_length) return refuse(wsi, 400);
        call.body_bytes = std::stoull(request.content_length);
        if (call.body_bytes > limits::poll_body_bytes_max) return refuse(wsi, 400);
        const auto more = counted(call.body_bytes);
        if (more > 0 && bodies_bytes_ + more > bodies_bytes_max) return refuse(wsi, 503);
    } else if (request.content_length.find_first_not_of('0') != std::string::npos) {
        return refuse(wsi, 400);
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI) > 0) {
        return outside_.show(wsi, preflight(wsi));
    }
    if (!is_post && !request.is_get) return refuse(wsi, 400);

    call.client =
        door_.rules().proxies.client_of(visitor.peer, header(wsi, WSI_TOKEN_X_FORWARDED_FOR));
    call.wire = wire_of(wsi);
    if (call.wire == Wire::v2) call.wire = Wire::v2_text;
    if (tokens_.has_keys()) call.client_token = token_of(wsi, header(wsi, WSI_TOKEN_PROTOCOL));
    const auto token = session_of(wsi);
    if (token) call.request.token = *token;
    // Where the connection ends with the request the library cannot wait for the answer.
    if (!is_post && wants_close(wsi)) call.request.kind = PollKind::look;
    if (is_post) {
        const auto type = header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
        call.request.kind =
            type.starts_with("application/x-ndjson") ? PollKind::lines : PollKind::frame;
    }
    const bool is_allowed = door_.rules().origins.allow(request.origin, request.host);
    if (!is_allowed) {
        door_.refuse(Refusal::origin, call.client);
        call.verdict = poll_refusal("pages of this origin may not connect here");
    } else if (!token) {
        call.verdict = poll_answer(PollAnswer::gone);
    }
    if (door_.rules().asks_backend) {
        call.greeting = greeting_of(wsi, call.client, door_.rules().forwarded_headers);
    }
    bodies_bytes_ += counted(call.body_bytes);
    const bool is_whole = call.body_bytes == 0;
    calls_[wsi] = std::move(call);
    if (is_whole) on_body_end(wsi);
}

void Polls::on_body(lws* wsi, std::string_view piece) {
    const auto found = calls_.find(wsi);
    // The body of a request that is refused is read all the same: an end before it would reset the
    // connection, and the client would not learn why.
    if (found == calls_.end() || found->second.id != 0 || found->second.verdict) return;
    std::string& body = found->second.request.body;
    body.append(piece.substr(0, found->second.body_bytes - body.size()));
}

void Polls::on_body_end(lws* wsi) {
    const auto found = calls_.find(wsi);
    if (found == calls_.end() || found->second.id != 0) return;
    Call& call = found->second;
    if (call.verdict) return finish(wsi, PollAnswer(*call.verdict));
    bring(wsi, call);
}

void Polls::bring(lws* wsi, Call& call) {
    call.id = ++last_id_;
    asked_[call.id] = [this, wsi](PollAnswer answer) { finish(wsi, std::move(answer)); };
    // The answer may come before the call returns, and take `call` with it.
    const PollId id = call.id;
    PollRequest request = call.request;
    call.request.body = {};
    if (request.token.home == home_) return sessions_->ask(id, request, outside_.now());
    outside_.relay(id, std::move(request));
}

void Polls::ask(const PollRequest& request, std::function<void(PollAnswer)> on_answer) {
    const PollId id = ++last_id_;
    asked_[id] = std::move(on_answer);
    sessions_->ask(id, request, outside_.now());
}

void Polls::answer_to(PollId id, PollAnswer answer) {
    const auto found = asked_.find(id);
    if (found == asked_.end()) return;  // whoever asked is gone
    const auto on_answer = std::move(found->second);
    asked_.erase(found);
    on_answer(std::move(answer));
}

void Polls::finish(lws* wsi, PollAnswer answer) {
    const auto found = calls_.find(wsi);
    Call call = std::move(found->second);
    calls_.erase(found);
    bodies_bytes_ -= counted(call.body_bytes);
    const bool may_wait = call.request.kind == PollKind::get;
    const bool is_get = may_wait || call.request.kind == PollKind::look;
    Duration wait{};
    if (answer.status == PollAnswer::gone && is_get) answer = open(call, wait);
    if (wait > Duration{} && may_wait && late_.size() < late_max) {
        return show_later(wsi, std::move(call), std::move(answer), outside_.now() + wait);
    }
    outside_.show(wsi, page_of(std::move(answer)));
}

// Like a get that waits for something to be told.
void Polls::show_later(lws* wsi, Call call, PollAnswer answer, Time due) {
    door_.count_delayed();
    call.id = ++last_id_;
    call.body_bytes = 0;
    call.verdict = std::move(answer);
    call.late = late_.emplace(due, wsi);
    call.is_late = true;
    calls_[wsi] = std::move(call);
}

void Polls::tick() {
    sessions_->tick(outside_.now());
    while (!late_.empty() && late_.begin()->first <= outside_.now()) {
        lws* const wsi = late_.begin()->second;
        late_.erase(late_.begin());
        const auto call = calls_.extract(wsi);
        outside_.show(wsi, page_of(std::move(*call.mapped().verdict)));
    }
}

// `wait`: for how long the answer should not be told.
PollAnswer Polls::open(Call& call, Duration& wait) {
    if (!outside_.is_ready()) return poll_answer(PollAnswer::failed);
    if (!call.wire) {
        door_.refuse(Refusal::vsn, call.client);
        return poll_refusal("vsn is not spoken here: use vsn=2.0.0");
    }
    std::unique_ptr<const Bearer> bearer;
    if (!call.client_token.empty()) {
        auto checked = tokens_.check(call.client_token, outside_.now());
        if (!checked) {
            door_.refuse(Refusal::token, call.client, name_of(checked.error()));
            wait = door_.delay_of_refusal(call.client, outside_.now());
            return poll_refusal(name_of(checked.error()));
        }
        bearer = std::make_unique<const Bearer>(std::move(*checked));
    }
    // A session counts as a connection.
    if (const auto full = door_.settle(call.client)) {
        door_.refuse(*full, call.client);
        return poll_refusal("too many connections");
    }
    auto opened = sessions_->open(draw_secret(), *call.wire, outside_.now(), std::move(bearer),
                                  std::move(call.greeting));
    clients_[opened.socket] = call.client;
    return std::move(opened.answer);
}

void Polls::refuse(lws* wsi, unsigned status) {
    outside_.show(wsi, {status, "text/plain", {}, true});
}

void Polls::on_gone(lws* wsi) {
    const auto found = calls_.find(wsi);
    if (found == calls_.end()) return;
    bodies_bytes_ -= counted(found->second.body_bytes);
    if (found->second.is_late) late_.erase(found->second.late);
    asked_.erase(found->second.id);
    sessions_->forget(found->second.id);
    calls_.erase(found);
}

bool Polls::is_waiting(lws* wsi) const {
    const auto found = calls_.find(wsi);
    return found != calls_.end() && found->second.id != 0;
}

bool Polls::is_long(lws* wsi) const {
    const auto found = calls_.find(wsi);
    return found != calls_.end() && found->second.request.kind == PollKind::get;
}

bool Polls::send(SocketId socket, std::string_view frames) {
    return !sessions_->has(socket) || sessions_->send(socket, frames);
}

void Polls::close(SocketId socket) {
    if (!sessions_->has(socket)) return;
    sessions_->close(socket);
    to_close_.push_back(socket);
}

void Polls::end_turn() {
    // The socket may be gone since, and another session have its place.
    for (const SocketId socket : std::exchange(to_close_, {})) sessions_->end_if_closed(socket);
}

void Polls::over(SocketId socket) {
    const auto found = clients_.find(socket);
    door_.leave(found->second, found->second, true);
    clients_.erase(found);
}

std::string Polls::address_of(SocketId socket) const {
    const auto found = clients_.find(socket);
    return found == clients_.end() ? std::string() : found->second.text();
}

}  // namespace roost
