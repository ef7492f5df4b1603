// long_poll: what a long-poll client asks and is answered. Spec: proto/client.md.
//
// A client without a WebSocket has a session in one shard of one node, and a token that names both.
// It posts frames, one in a line, and gets those that wait for it as an array of JSON strings.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/broadcast.hpp"

namespace roost {

// Where a session is, and what proves that it is the asker's own.
struct PollToken {
    static constexpr std::size_t secret_bytes = 16;
    Origin home;
    std::string secret;
    bool operator==(const PollToken&) const = default;
};
std::string text_of(const PollToken& token);
std::optional<PollToken> parse_poll_token(std::string_view text);

enum class PollKind : std::uint8_t {
    get,    // what waits?
    lines,  // here are frames, one in each line
    frame,  // here is one
    look,   // what is there now? To be answered without waiting
};
inline constexpr std::size_t poll_kinds = 4;

struct PollRequest {
    PollToken token;
    PollKind kind{};
    std::string body;
    bool operator==(const PollRequest&) const = default;
};

// The status is that of Phoenix: it stands in the body, while that of HTTP is 200.
struct PollAnswer {
    static constexpr unsigned ok = 200, nothing = 204, refused = 403, gone = 410, failed = 500;
    unsigned status = ok;
    std::string body;
    bool operator==(const PollAnswer&) const = default;
};

// {"status":200}
PollAnswer poll_answer(unsigned status);
// {"status":403,"reason":"..."}
PollAnswer poll_refusal(std::string_view reason);
// {"messages":[...],"status":200,"token":"..."}: JSON strings, with commas between them.
PollAnswer poll_answer(unsigned status, const PollToken& token, std::string_view raw_messages);

// Visits the frames of a body of lines. One in base64 is of bytes; any other is text, as no JSON
// begins like base64 and is a frame.
void for_each_frame(std::string_view lines,
                    const std::function<void(std::string_view frame, bool is_binary)>& visit);

}  // namespace roost
