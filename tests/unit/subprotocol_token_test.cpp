#include "proto/subprotocol_token.hpp"

#include <catch2/catch.hpp>

using namespace roost;

TEST_CASE("the token of phoenix.js is found among the subprotocols") {
    CHECK(token_of_subprotocols("phoenix, base64url.bearer.phx.czNjcmV0") == "s3cret");
    CHECK(token_of_subprotocols("base64url.bearer.phx.czNjcmV0,phoenix") == "s3cret");
    // '+' and '/' as phoenix.js has them, '-' and '_' as the name says.
    CHECK(token_of_subprotocols("phoenix, base64url.bearer.phx.czNjcmV0Pz5+") == "s3cret?>~");
    CHECK(token_of_subprotocols("phoenix, base64url.bearer.phx.czNjcmV0Pz5-") == "s3cret?>~");
    CHECK(token_of_subprotocols("phoenix, base64url.bearer.phx.YQ== ") == "a");
}

TEST_CASE("no token, two of them, or what is none, is no token") {
    for (const auto* header : {"", "phoenix", ",,", "phoenix, base64url.bearer.phx.",
                               "phoenix, base64url.bearer.phx.!!!",
                               "phoenix, base64url.bearer.phx.YQ, base64url.bearer.phx.YQ"}) {
        CAPTURE(header);
        CHECK_FALSE(token_of_subprotocols(header));
    }
}
