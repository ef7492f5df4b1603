#include "proto/long_poll.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "proto/json.hpp"

using namespace roost;
using namespace std::string_literals;

namespace {

const PollToken token{{0x0123456789abcdef, 3}, "0123456789abcdef"};

std::vector<std::pair<std::string, bool>> frames_of(std::string_view lines) {
    std::vector<std::pair<std::string, bool>> found;
    for_each_frame(lines, [&](std::string_view frame, bool is_binary) {
        found.emplace_back(frame, is_binary);
    });
    return found;
}

}  // namespace

TEST_CASE("a poll token names its shard, in one spelling") {
    const auto text = text_of(token);
    CHECK(text == "ASNFZ4mrze8DMDEyMzQ1Njc4OWFiY2RlZg");
    CHECK(parse_poll_token(text) == token);
    for (const auto& bad : {""s, text + "A", text.substr(1), text + "=", "+"s + text.substr(1)}) {
        INFO(bad);
        CHECK_FALSE(parse_poll_token(bad));
    }
}

TEST_CASE("poll answers are those of Phoenix") {
    CHECK(poll_answer(200) == PollAnswer{200, R"({"status":200})"});
    CHECK(poll_answer(410).body == R"({"status":410})");
    CHECK(poll_answer(204, token, "").body ==
          R"({"messages":[],"status":204,"token":"ASNFZ4mrze8DMDEyMzQ1Njc4OWFiY2RlZg"})");
    CHECK(poll_answer(200, token, R"("[]","{}")").body ==
          R"({"messages":["[]","{}"],"status":200,"token":"ASNFZ4mrze8DMDEyMzQ1Njc4OWFiY2RlZg"})");
    CHECK(poll_refusal("no \"such\" thing").body ==
          R"({"status":403,"reason":"no \"such\" thing"})");
}

TEST_CASE("a body of lines is text, and bytes in base64") {
    CHECK(frames_of("").empty());
    CHECK(frames_of("[1]\n{\"a\":2}\n\nAAEC\n") ==
          std::vector<std::pair<std::string, bool>>{
              {"[1]", false}, {"{\"a\":2}", false}, {"\0\1\2"s, true}});
    // What is neither is left to the reader of frames.
    CHECK(frames_of("AAE\n-_-_\n \n[1]\r") ==
          std::vector<std::pair<std::string, bool>>{
              {"AAE", false}, {"-_-_", false}, {" ", false}, {"[1]\r", false}});
}
