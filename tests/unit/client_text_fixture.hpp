// client_text_fixture: a message that is read with a reader of its own, so that its views live.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "proto/client_text.hpp"
#include "proto/ws_frame.hpp"

namespace roost::test {

struct Decoded {
    Decoded(Wire wire, std::string_view text) : message(decode_text(wire, reader, text, scratch)) {}

    JsonReader reader;
    FrameScratch scratch;
    Result<ClientMessage, FrameError> message;
};

inline FrameError error_of(Wire wire, std::string_view text) {
    const Decoded decoded(wire, text);
    REQUIRE_FALSE(decoded.message);
    return decoded.message.error();
}

inline std::string content(std::string_view frame) {
    const auto found = ws::content_of(frame, ws::Opcode::text);
    REQUIRE(found);
    return std::string(*found);
}

}  // namespace roost::test
