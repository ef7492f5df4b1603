#include "proto/long_poll.hpp"

#include "proto/base64url.hpp"
#include "proto/big_endian.hpp"
#include "proto/json.hpp"

namespace roost {

namespace {
constexpr std::size_t home_bytes = 9;
}

std::string text_of(const PollToken& token) {
    std::string bytes;
    append_big_endian(bytes, token.home.incarnation);
    bytes.push_back(static_cast<char>(token.home.shard));
    return to_base64url(bytes.append(token.secret));
}

std::optional<PollToken> parse_poll_token(std::string_view text) {
    const auto bytes = from_base64url(text);
    if (!bytes || bytes->size() != home_bytes + PollToken::secret_bytes) return std::nullopt;
    return PollToken{{read_big_endian<std::uint64_t>(bytes->data()),
                      static_cast<std::uint8_t>((*bytes)[home_bytes - 1])},
                     bytes->substr(home_bytes)};
}

PollAnswer poll_answer(unsigned status) {
    return {status, R"({"status":)" + std::to_string(status) + "}"};
}

PollAnswer poll_refusal(std::string_view reason) {
    std::string body = R"({"status":403,"reason":)";
    append_quoted(body, reason);
    body.push_back('}');
    return {PollAnswer::refused, std::move(body)};
}

PollAnswer poll_answer(unsigned status, const PollToken& token, std::string_view raw_messages) {
    std::string body = R"({"messages":[)";
    body.append(raw_messages).append(R"(],"status":)").append(std::to_string(status));
    body.append(R"(,"token":")").append(text_of(token)).append(R"("})");
    return {status, std::move(body)};
}

void for_each_frame(std::string_view lines,
                    const std::function<void(std::string_view frame, bool is_binary)>& visit) {
    while (!lines.empty()) {
        const auto end = lines.find('\n');
        const auto line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
        if (line.empty()) continue;
        if (const auto bytes = from_base64(line)) {
            visit(*bytes, true);
        } else {
            visit(line, false);
        }
    }
}

}  // namespace roost
