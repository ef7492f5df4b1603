#include "daemon/core/handshake.hpp"

#include <catch2/catch.hpp>

using namespace roost;

namespace {

Handshake good() {
    Handshake request;
    request.is_get = true;
    request.host = "chat.example.com";
    request.upgrade = "websocket";
    request.connection = "Upgrade";
    request.version = "13";
    request.key = "dGhlIHNhbXBsZSBub25jZQ==";
    request.is_vsn_spoken = true;
    return request;
}

// The reason for which a good request is refused after this change.
template <class Change>
Refusal refused(unsigned status, Change change) {
    Handshake request = good();
    change(request);
    const auto verdict = judge(request, AllowedOrigins());
    REQUIRE(verdict);
    CHECK(verdict->status == status);
    CHECK_FALSE(verdict->sentence.empty());
    return verdict->reason;
}

template <class Change>
bool is_taken(Change change) {
    Handshake request = good();
    change(request);
    return !judge(request, AllowedOrigins());
}

}  // namespace

TEST_CASE("a handshake as browsers send it is taken") {
    CHECK(is_taken([](Handshake&) {}));
    CHECK(is_taken([](Handshake& r) { r.connection = "keep-alive, Upgrade"; }));
    CHECK(is_taken([](Handshake& r) { r.connection = "keep-alive , UPGRADE ,x"; }));
    CHECK(is_taken([](Handshake& r) { r.upgrade = "WebSocket"; }));
    CHECK(is_taken([](Handshake& r) { r.origin = "https://chat.example.com"; }));
    CHECK(is_taken(
        [](Handshake& r) { r.extensions = "permessage-deflate; client_max_window_bits"; }));
    CHECK(is_taken([](Handshake& r) { r.extensions.assign(254, 'x'); }));
    CHECK(is_taken([](Handshake& r) { r.subprotocols = "phoenix, base64url.bearer.phx.abc"; }));
    CHECK(is_taken([](Handshake& r) {
        r.content_length = "0";
        r.content_length_count = 1;
    }));
}

TEST_CASE("what is no GET, or has a body, or no clear end, is refused") {
    CHECK(refused(400, [](Handshake& r) { r.is_get = false; }) == Refusal::method);
    CHECK(refused(400, [](Handshake& r) { r.has_transfer_encoding = true; }) == Refusal::lengths);
    CHECK(refused(400, [](Handshake& r) {
              r.content_length = "5";
              r.content_length_count = 1;
          }) == Refusal::lengths);
    CHECK(refused(400, [](Handshake& r) {
              r.content_length = "0, 0";
              r.content_length_count = 2;
          }) == Refusal::lengths);
    for (const auto* length : {"-1", "+1", "0x1", "1 1", "1,1", " ", "99999999999999999999"}) {
        CAPTURE(length);
        CHECK(refused(400, [&](Handshake& r) {
                  r.content_length = length;
                  r.content_length_count = 1;
              }) == Refusal::lengths);
    }
}

TEST_CASE("each header that a WebSocket needs is looked at") {
    CHECK(refused(400, [](Handshake& r) { r.host = ""; }) == Refusal::header);
    CHECK(refused(400, [](Handshake& r) { r.host_count = 2; }) == Refusal::header);
    CHECK(refused(400, [](Handshake& r) { r.upgrade = "h2c"; }) == Refusal::header);
    CHECK(refused(400, [](Handshake& r) { r.connection = ""; }) == Refusal::header);
    CHECK(refused(400, [](Handshake& r) { r.connection = "upgraded"; }) == Refusal::header);
    for (const auto* version : {"", "8", "12", "14", "013", "13, 8"}) {
        CHECK(refused(400, [&](Handshake& r) { r.version = version; }) == Refusal::header);
    }
    for (const auto* key : {"", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=x",
                            "dGhlIHNhbXBsZSBub25j*Q==", "dGhlIHNhbXBsZSBub25jZQAA"}) {
        CHECK(refused(400, [&](Handshake& r) { r.key = key; }) == Refusal::header);
    }
    CHECK(refused(400, [](Handshake& r) { r.extensions.assign(255, 'x'); }) == Refusal::header);
}

TEST_CASE("of subprotocols phoenix is taken, as the first") {
    const auto with = [](unsigned status, const std::string& names) {
        return refused(status, [&](Handshake& r) { r.subprotocols = names; });
    };
    CHECK(with(403, "graphql-ws, mqtt") == Refusal::subprotocol);
    CHECK(with(403, "phoenixes") == Refusal::subprotocol);
    CHECK(with(400, "mqtt, phoenix") == Refusal::subprotocol);
    const auto token = std::string(4000, 'a');
    CHECK(is_taken([&](Handshake& r) { r.subprotocols = "phoenix, " + token; }));
    CHECK(refused(400, [](Handshake& r) {
              r.subprotocols = "phoenix, base64url.bearer.phx.abc";
              r.is_token_cut = true;
          }) == Refusal::subprotocol);
}

TEST_CASE("of several faults the one is told that Phoenix would tell") {
    CHECK(refused(403, [](Handshake& r) {
              r.origin = "https://evil.example.net";
              r.is_vsn_spoken = false;
              r.version = "8";
          }) == Refusal::origin);
    CHECK(refused(403, [](Handshake& r) {
              r.is_vsn_spoken = false;
              r.version = "8";
          }) == Refusal::vsn);
    CHECK(refused(400, [](Handshake& r) {
              r.is_get = false;
              r.origin = "https://evil.example.net";
          }) == Refusal::method);
}
