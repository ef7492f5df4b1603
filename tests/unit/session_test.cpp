#include "proto/session.hpp"

#include <catch2/catch.hpp>

using namespace roost;

TEST_CASE("a session has one text") {
    const SessionId session{{0x0123456789abcdef, 7}, 42};
    REQUIRE(text_of(session) == "0123456789abcdef.7-42");
    REQUIRE(parse_session("0123456789abcdef.7-42") == session);
    for (const char* other :
         {"", "-", "0123456789abcdef.7", "0123456789abcdef.7-", "0123456789abcdef.7-042",
          "0123456789ABCDEF.7-42", "0123456789abcdef.256-42", "0123456789abcdef.7-+42",
          "0123456789abcdef.7-42 ", "0123456789abcdef.7-18446744073709551616"}) {
        CAPTURE(other);
        REQUIRE_FALSE(parse_session(other));
    }
}
