// api: the bodies of the HTTP API, and what they mean. Spec: proto/api.md.
//
// A request becomes one of the control socket, and its answer a page: so both say the same, and the
// same is refused. Pure functions; any thread may call them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/control.hpp"
#include "proto/json.hpp"
#include "proto/result.hpp"

namespace roost::api {

struct Page {
    unsigned status = 200;
    std::string type, body;
    bool operator==(const Page&) const = default;
};

// RFC 9457. `code` is one of proto/control.md or proto/api.md.
Page problem(unsigned status, std::string_view code, std::string_view detail);

// The keys of a file: one a line, of 16 characters or more; lines that begin with # are comments.
// The error says what is wrong, to follow the path.
Result<std::vector<std::string>, std::string> parse_keys(std::string_view text);
// In a time that does not tell how much of it is right.
bool is_key(const std::vector<std::string>& keys, std::string_view given);

// Bytes of a caller: hostile until parsed.
Result<control::PublishMany, Page> parse_publish(JsonReader& reader, std::string_view body);
// The bytes of the body as the payload of one message.
Result<control::PublishMany, Page> publish_bytes(std::string_view topic, std::string_view event,
                                                 std::string_view body);

// `topic`: the one that is asked about, of a list of topics; empty: all.
Page page_of(const control::Answer& answer, std::string_view topic);

}  // namespace roost::api
