#include "proto/request_head.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace roost;

namespace {
std::string head(const std::string& lines) {
    return "GET /socket/websocket HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}
}  // namespace

TEST_CASE("a head is whole with its empty line") {
    CHECK(is_head_whole(head("")));
    CHECK(is_head_whole(head("") + "body"));
    CHECK_FALSE(is_head_whole(""));
    CHECK_FALSE(is_head_whole("GET / HTTP/1.1\r\nHost: a\r\n"));
}

TEST_CASE("the subprotocols of a head are one list") {
    CHECK(subprotocols_of(head("")).empty());
    CHECK(subprotocols_of("").empty());
    CHECK(subprotocols_of("sec-websocket-protocol: a\r\n\r\n").empty());
    CHECK(subprotocols_of(head("Sec-WebSocket-Protocol: phoenix, a.b\r\n")) == "phoenix, a.b");
    CHECK(subprotocols_of(head("SEC-WEBSOCKET-PROTOCOL:\t phoenix \r\nx: y\r\n")) == "phoenix");
    CHECK(subprotocols_of(head("sec-websocket-protocol: a\r\nsec-websocket-protocol: b\r\n")) ==
          "a, b");
    CHECK(subprotocols_of(head("x-sec-websocket-protocol: a\r\n")).empty());
    CHECK(subprotocols_of(head("") + "sec-websocket-protocol: a\r\n").empty());
    CHECK(subprotocols_of("GET / HTTP/1.1\r\nsec-websocket-protocol: cut") == "cut");
}
