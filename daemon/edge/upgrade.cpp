#include "daemon/edge/upgrade.hpp"

#include <libwebsockets.h>

#include <utility>

#include "daemon/edge/door.hpp"
#include "daemon/edge/greeting.hpp"
#include "daemon/edge/http_page.hpp"
#include "daemon/edge/http_request.hpp"
#include "daemon/edge/visitors.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {

int refuse(lws* wsi, Door& door, const Address& client, const Refused& refused) {
    door.refuse(refused.reason, client);
    write_refusal(wsi, refused.status, refused.sentence);
    return -1;
}

// An answer to a handshake cannot be put off: libwebsockets goes on with it or hangs up. But it
// looks at the header Upgrade again after this callback, and with another word there the request is
// one for a page, to which begin_wait() does what can be done to pages.
int refuse_token(lws* wsi, const UpgradeChecks& checks, Visitor& visitor, const Address& client,
                 TokenError error, void* upgrade_header) {
    const Refused refused{Refusal::token, 403, name_of(error)};
    checks.door.refuse(refused.reason, client, refused.sentence);
    const auto delay = checks.door.delay_of_refusal(client, checks.now);
    if (delay > Duration{} &&
        checks.visitors.postpone(visitor, refused, checks.now + delay, checks.now)) {
        *static_cast<char*>(upgrade_header) = '-';
        return 0;
    }
    write_refusal(wsi, refused.status, refused.sentence);
    return -1;
}

Refused overcrowded(Refusal reason) {
    if (reason == Refusal::address_full) {
        return {reason, 429, "too many connections from this address: close one first"};
    }
    return {reason, 503, "this node has all the connections that it takes: try another"};
}

}  // namespace

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
                  Visitor& visitor, void* in) {
    Door& door = checks.door;
    // libwebsockets 4.1.6 calls this also for a request whose headers it has dropped already
    // (CVE-2025-11677). Without the header there is nothing to look at.
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0) return -1;
    // Another request, before the first one has got its answer.
    if (visitor.postponed) return -1;
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
    const bool wants_token = !is_echo && checks.tokens.has_keys();
    if (request.subprotocols.size() >= limits::library_subprotocol_bytes) {
        const auto whole = std::exchange(visitor.subprotocols, nullptr);
        const bool is_known = whole && whole->starts_with(request.subprotocols);
        if (is_known) request.subprotocols = *whole;
        request.is_token_cut = wants_token && !is_known;
    }
    if (const auto refused = judge(request, door.rules().origins)) {
        return refuse(wsi, door, client, *refused);
    }
    const auto token = wants_token ? token_of(wsi, request.subprotocols) : std::string();
    if (!token.empty()) {
        auto bearer = checks.tokens.check(token, checks.now);
        if (!bearer) {
            return refuse_token(wsi, checks, visitor, client, bearer.error(), in);
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
        if (door.rules().asks_backend) {
            visitor.greeting = greeting_of(wsi, client, door.rules().forwarded_headers);
        }
    }
    return 0;
}

// The request counts as done, with nothing written: so the library goes on reading, notices who
// hangs up, and keeps nothing of the headers. (A request that is left open it neither reads nor
// closes, and turns its loop for as long as there is something to read.)
bool begin_wait(lws* wsi, Door& door, Visitor& visitor) {
    if (std::exchange(visitor.postponed->is_waiting, true)) return false;
    if (lws_http_transaction_completed(wsi) != 0) {
        // It is HTTP 1.0, or its connection was to end with this request.
        const Refused& refused = visitor.postponed->refused;
        write_refusal(wsi, refused.status, refused.sentence);
        return false;
    }
    // In place of its own for a next request, which may be shorter; late visitors are cut by ours.
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    door.count_delayed();
    return true;
}

void refuse_postponed(Visitors& visitors, Time now) {
    while (const auto due = visitors.next_to_refuse(now)) {
        write_refusal(due->wsi, due->refused.status, due->refused.sentence);
        lws_set_timeout(due->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
    }
}

}  // namespace roost
