// Texts of headers, queries, tokens and flags.
#include <string>

#include "daemon/core/handshake.hpp"
#include "daemon/core/rules.hpp"
#include "proto/address.hpp"
#include "proto/endpoint.hpp"
#include "proto/group_key.hpp"
#include "proto/json.hpp"
#include "proto/long_poll.hpp"
#include "proto/request_head.hpp"
#include "proto/session.hpp"
#include "proto/since.hpp"
#include "proto/subprotocol_token.hpp"
#include "proto/token.hpp"
#include "proto/web_origin.hpp"
#include "tests/fuzz/input.hpp"

using namespace roost;

namespace {

const TokenKeys& keys() {
    static const TokenKeys one = *parse_token_keys(std::string(40, 'k'));
    return one;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    static JsonReader json(64);
    if (json.is_valid(text) && is_json_object(text)) {
        if (const auto since = parse_since(text)) (void)*since;
        (void)member(text, "since");
        (void)has_unique_names(text);
        (void)read_claims(text, {"a", "i", 10, true}, 1'000'000);
    }
    fuzz::expect(!check_token(keys(), {}, text, 1'000'000, json));
    (void)parse_token_keys(text);
    (void)parse_group_keys(text);
    (void)token_of_subprotocols(text);
    if (const auto rule = parse_rule(text)) {
        (void)rule->covers(text);
        (void)rule->is_of(text, {{"sub", "a"}});
    }
    if (const auto endpoint = parse_endpoint(text)) {
        fuzz::expect(parse_endpoint(endpoint->text()).has_value());
    }
    if (const auto origin = parse_origin(text)) fuzz::expect(origin_text(*origin) == text);
    if (const auto session = parse_session(text)) fuzz::expect(text_of(*session) == text);
    fuzz::expect(subprotocols_of(text).size() <= text.size());
    (void)is_head_whole(text);
    if (const auto token = parse_poll_token(text)) fuzz::expect(text_of(*token) == text);
    for_each_frame(text, [](std::string_view frame, bool is_binary) {
        fuzz::expect(is_binary || (!frame.empty() && frame.find('\n') == std::string_view::npos));
    });
    (void)parse_web_origin(text);
    (void)parse_origin_pattern(text);
    (void)parse_address(text);
    (void)parse_address_block(text);
    Handshake request;
    request.is_get = true;
    request.host = request.origin = request.connection = request.key = request.subprotocols = text;
    (void)judge(request, AllowedOrigins(std::vector<OriginPattern>{}));
    return 0;
}
