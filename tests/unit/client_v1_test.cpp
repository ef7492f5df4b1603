// Version 1.0 of the protocol, as it came from Phoenix 1.8 where the text is not marked as ours.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/unit/client_text_fixture.hpp"

using namespace roost;
using namespace roost::test;

TEST_CASE("v1: a join is read, in any order of keys and with others beside") {
    for (const std::string text :
         {R"({"topic":"room:v1","event":"phx_join","payload":{"p":1},"ref":"1"})",
          R"( { "ref" : "1", "payload" : {"p":1} , "event":"phx_join","topic":"room:v1" } )",
          R"({"x":[{"topic":1}],"topic":"room:v1","event":"phx_join","payload":{"p":1},"ref":"1"})",
          R"({"topic":"other","topic":"room:v1","event":"phx\u005fjoin","payload":{"p":1},)"
          R"("ref":"1"})"}) {
        CAPTURE(text);
        const Decoded decoded(Wire::v1, text);
        REQUIRE(decoded.message);
        CHECK(decoded.message->join_ref == "null");
        CHECK(decoded.message->ref == "\"1\"");
        CHECK(decoded.message->raw_topic == "\"room:v1\"");
        CHECK(decoded.message->topic == "room:v1");
        CHECK(decoded.message->event == "phx_join");
        CHECK(decoded.message->payload == R"({"p":1})");
    }
}

TEST_CASE("v1: a join_ref is taken where there is one") {
    const Decoded decoded(Wire::v1,
                          R"({"topic":"t","event":"e","payload":null,"ref":7,"join_ref":"3"})");
    REQUIRE(decoded.message);
    CHECK(decoded.message->join_ref == "\"3\"");
    CHECK(decoded.message->ref == "7");
    CHECK(decoded.message->payload == "null");
}

TEST_CASE("v1: what is no message is told by what is wrong with it") {
    CHECK(error_of(Wire::v1, "") == FrameError::not_json);
    CHECK(error_of(Wire::v1, "{") == FrameError::not_json);
    CHECK(error_of(Wire::v1, R"({"topic":"t"},{"topic":"t"})") == FrameError::not_json);
    CHECK(error_of(Wire::v1, R"({"topic":"t"}],[{"topic":"t"})") == FrameError::not_json);
    CHECK(error_of(Wire::v1, R"(["1","1","t","phx_join",{}])") == FrameError::not_an_object);
    CHECK(error_of(Wire::v1, "7") == FrameError::not_an_object);
    CHECK(error_of(Wire::v1, "{}") == FrameError::lacks_a_key);
    CHECK(error_of(Wire::v1, R"({"event":"e","payload":{},"ref":"1"})") == FrameError::lacks_a_key);
    CHECK(error_of(Wire::v1, R"({"topic":"t","payload":{},"ref":"1"})") == FrameError::lacks_a_key);
    CHECK(error_of(Wire::v1, R"({"topic":"t","event":"e","ref":"1"})") == FrameError::lacks_a_key);
    CHECK(error_of(Wire::v1, R"({"topic":"t","event":"e","payload":{}})") ==
          FrameError::lacks_a_key);
    CHECK(error_of(Wire::v1, R"({"topic":"t","event":1,"payload":{},"ref":"1"})") ==
          FrameError::event_not_a_string);
    CHECK(error_of(Wire::v1, "{\"topic\":\"\xff\"}") == FrameError::not_utf8);
    const std::string long_name(1025, 'x');
    CHECK(error_of(Wire::v1,
                   R"({"topic":")" + long_name + R"(","event":"e","payload":{},"ref":"1"})") ==
          FrameError::too_long);
}

TEST_CASE("v1: what the server says has Phoenix' keys in Phoenix' order") {
    CHECK(content(reply_frame(Wire::v1, "\"1\"", "\"1\"", "\"room:v1\"", "ok", "{}")) ==
          R"({"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"1",)"
          R"("topic":"room:v1"})");
    CHECK(content(push_frame(Wire::v1, "null", "null", "\"room:v1\"", "phx_close", "{}")) ==
          R"({"event":"phx_close","payload":{},"ref":null,"topic":"room:v1"})");
}
