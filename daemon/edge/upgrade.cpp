#include "daemon/edge/upgrade.hpp"

#include <libwebsockets.h>

#include "daemon/edge/door.hpp"
#include "daemon/edge/http_page.hpp"
#include "daemon/edge/http_request.hpp"
#include "daemon/edge/visitors.hpp"

namespace roost {

namespace {

int refuse(lws* wsi, Door& door, const Address& client, const Refused& refused) {
    door.refuse(refused.reason, client);
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
