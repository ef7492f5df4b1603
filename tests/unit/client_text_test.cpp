#include "proto/client_text.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "proto/limits.hpp"
#include "tests/unit/client_text_fixture.hpp"

using namespace roost;
using namespace roost::test;
using namespace std::string_literals;

namespace {

std::string broadcast_frame(std::string_view topic, std::string_view event,
                            std::string_view payload) {
    std::string out;
    append_broadcast_frame(out, topic, event, payload);
    return out;
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (; times > 0; --times) out += text;
    return out;
}

}  // namespace

// The texts in the next three cases are not ours: phoenix.js sends and Phoenix answers them.
TEST_CASE("what phoenix.js sends is read") {
    struct Sent {
        std::string text, join_ref, ref, topic, event, payload;
    };
    const std::vector<Sent> frames = {
        {R"(["3","3","room:lobby","phx_join",{}])", "\"3\"", "\"3\"", "room:lobby", "phx_join",
         "{}"},
        {R"(["1","1","room:a","phx_join",{"p":1}])", "\"1\"", "\"1\"", "room:a", "phx_join",
         R"({"p":1})"},
        {R"(["1","3","room:a","new_msg",{"body":"hi"}])", "\"1\"", "\"3\"", "room:a", "new_msg",
         R"({"body":"hi"})"},
        {R"(["1","8","room:a","phx_leave",{}])", "\"1\"", "\"8\"", "room:a", "phx_leave", "{}"},
        {R"([null,"1","phoenix","heartbeat",{}])", "null", "\"1\"", "phoenix", "heartbeat", "{}"},
        {R"(["3","5","room:a","str","text"])", "\"3\"", "\"5\"", "room:a", "str", "\"text\""},
        {R"(["3","5","room:a","list",[1,2]])", "\"3\"", "\"5\"", "room:a", "list", "[1,2]"},
        {R"(["3","5","room:a","nothing",null])", "\"3\"", "\"5\"", "room:a", "nothing", "null"},
    };
    for (const auto& sent : frames) {
        CAPTURE(sent.text);
        const Decoded decoded(Wire::v2, sent.text);
        REQUIRE(decoded.message);
        CHECK(decoded.message->join_ref == sent.join_ref);
        CHECK(decoded.message->ref == sent.ref);
        CHECK(decoded.message->topic == sent.topic);
        CHECK(decoded.message->raw_topic == "\"" + sent.topic + "\"");
        CHECK(decoded.message->is_topic_a_string);
        CHECK(decoded.message->event == sent.event);
        CHECK(decoded.message->payload == sent.payload);
    }
}

TEST_CASE("replies and pushes are what Phoenix writes") {
    CHECK(content(reply_frame(Wire::v2, "\"1\"", "\"1\"", "\"room:a\"", "ok", "{}")) ==
          R"(["1","1","room:a","phx_reply",{"response":{},"status":"ok"}])");
    CHECK(content(reply_frame(Wire::v2, "null", "\"1\"", "\"phoenix\"", "ok", "{}")) ==
          R"([null,"1","phoenix","phx_reply",{"response":{},"status":"ok"}])");
    CHECK(content(reply_frame(Wire::v2, "null", "\"4\"", "\"nope\"", "error",
                              R"({"reason":"unmatched topic"})")) ==
          R"([null,"4","nope","phx_reply",)"
          R"({"response":{"reason":"unmatched topic"},"status":"error"}])");
    CHECK(content(push_frame(Wire::v2, "\"1\"", "\"1\"", "\"room:a\"", "phx_close", "{}")) ==
          R"(["1","1","room:a","phx_close",{}])");
    CHECK(content(push_frame(Wire::v2, "\"1\"", "\"1\"", "\"room:p\"", "phx_error",
                             R"({"reason":"channel_crash"})")) ==
          R"(["1","1","room:p","phx_error",{"reason":"channel_crash"}])");
    CHECK(content(push_frame(Wire::v2, "\"1\"", "null", "\"room:a\"", "pushed", R"({"a":1})")) ==
          R"(["1",null,"room:a","pushed",{"a":1}])");
}

TEST_CASE("a broadcast is what Phoenix writes") {
    CHECK(broadcast_frame("room:a", "new_msg", R"({"body":"hi"})") ==
          "\x81\x2C"s + R"([null,null,"room:a","new_msg",{"body":"hi"}])");
}

TEST_CASE("a broadcast's topic and event are quoted, its payload is left as it is") {
    CHECK(content(broadcast_frame("a\"b", "e\\\n", "{ \"x\" : 1e2 }")) ==
          "[null,null,\"a\\\"b\",\"e\\\\\\u000a\",{ \"x\" : 1e2 }]");
}

TEST_CASE("a long broadcast has a long head") {
    const std::string payload = "{\"a\":\"" + std::string(70'000, 'x') + "\"}";
    CHECK(content(broadcast_frame("t", "e", payload)) == "[null,null,\"t\",\"e\"," + payload + "]");
    const std::string reply = reply_frame(Wire::v2, "1", "2", "\"t\"", "ok", payload);
    CHECK(content(reply).ends_with("\"status\":\"ok\"}]"));
}

TEST_CASE("refs are opaque JSON and kept as they came") {
    const Decoded decoded(Wire::v2, R"([ 7 , {"o": 1},"t","e",{}])");
    REQUIRE(decoded.message);
    CHECK(decoded.message->join_ref == "7");
    CHECK(decoded.message->ref == R"({"o": 1})");
}

TEST_CASE("elements behind the fifth are ignored") {
    const Decoded decoded(Wire::v2, R"(["1","2","t","e",{"a":1},6,[7]])");
    REQUIRE(decoded.message);
    CHECK(decoded.message->payload == R"({"a":1})");
}

TEST_CASE("white space around a frame and in it is fine") {
    const Decoded decoded(Wire::v2, " \r\n[ \"1\" ,\t\"2\" , \"t\" , \"e\" , { } ]\n");
    REQUIRE(decoded.message);
    CHECK(decoded.message->join_ref == "\"1\"");
    CHECK(decoded.message->payload == "{ }");
}

TEST_CASE(
    "escapes in topic and event are read, and the topic's own spelling is kept for the echo") {
    const Decoded decoded(Wire::v2, R"(["1","2","room:\u0061\u0000","e\"v",{}])");
    REQUIRE(decoded.message);
    CHECK(decoded.message->topic == "room:a\0"s);
    CHECK(decoded.message->raw_topic == R"("room:\u0061\u0000")");
    CHECK(decoded.message->event == "e\"v");
}

TEST_CASE("a topic that is no string is told from the empty topic") {
    for (const auto& topic : {"42"s, "null"s, "{}"s, "[\"a\"]"s}) {
        const Decoded decoded(Wire::v2, "[\"1\",\"2\"," + topic + ",\"e\",{}]");
        REQUIRE(decoded.message);
        CHECK_FALSE(decoded.message->is_topic_a_string);
        CHECK(decoded.message->topic.empty());
        CHECK(decoded.message->raw_topic == topic);
    }
    const Decoded empty(Wire::v2, R"(["1","2","","e",{}])");
    REQUIRE(empty.message);
    CHECK(empty.message->is_topic_a_string);
}

TEST_CASE("each refusal of a frame has its name") {
    CHECK(error_of(Wire::v2, R"(["1","2","t","e",{})") == FrameError::not_json);
    CHECK(error_of(Wire::v2, R"(["1","2","t","e",{"a":1e400}])") == FrameError::not_json);
    CHECK(error_of(Wire::v2, R"(["1","2","t","e",{"a":"\ud800"}])") == FrameError::not_json);
    CHECK(error_of(Wire::v2, R"(["1","2","t","e",NaN])") == FrameError::not_json);
    CHECK(error_of(Wire::v2, "[\"1\",\"2\",\"t\",\"e\",\"\xff\"]") == FrameError::not_utf8);
    CHECK(error_of(Wire::v2, "[\"1\",\"2\",\"t\",\"e\"," + std::string(70, '[') +
                                 std::string(70, ']') + "]") == FrameError::too_deep);
    CHECK(error_of(Wire::v2, R"({"topic":"t","event":"e","payload":{},"ref":"1"})") ==
          FrameError::not_an_array);
    CHECK(error_of(Wire::v2, R"(["1","2","t","e"])") == FrameError::too_few_elements);
    CHECK(error_of(Wire::v2, "[]") == FrameError::too_few_elements);
    CHECK(error_of(Wire::v2, R"(["1","2","t",5,{}])") == FrameError::event_not_a_string);
    CHECK(error_of(Wire::v2, R"(["1","2","t",null,{}])") == FrameError::event_not_a_string);
}

TEST_CASE("every refusal has a reason of its own") {
    CHECK(reason_of(FrameError::not_json) == "frame is not JSON");
    CHECK(reason_of(FrameError::too_few_elements) == "frame does not have 5 elements");
    CHECK(reason_of(FrameError::too_long) != reason_of(FrameError::too_deep));
}

TEST_CASE("refs, topics and events are taken up to their limits and not beyond") {
    const std::string topic(limits::topic_bytes_max, 't');
    const std::string event(limits::event_bytes_max, 'e');
    const std::string ref = "\"" + std::string(limits::ref_bytes_max - 2, 'r') + "\"";
    const Decoded most(Wire::v2,
                       "[" + ref + "," + ref + ",\"" + topic + "\",\"" + event + "\",{}]");
    CHECK(most.message);
    CHECK(error_of(Wire::v2, R"(["1","2",")" + topic + R"(t","e",{}])") == FrameError::too_long);
    CHECK(error_of(Wire::v2, R"(["1","2","t",")" + event + R"(e",{}])") == FrameError::too_long);
    CHECK(error_of(Wire::v2, "[\"1\"," + ref + "1" + ",\"t\",\"e\",{}]") == FrameError::not_json);
    const std::string long_ref = "\"" + std::string(limits::ref_bytes_max - 1, 'r') + "\"";
    CHECK(error_of(Wire::v2, "[" + long_ref + ",\"1\",\"t\",\"e\",{}]") == FrameError::too_long);
    CHECK(error_of(Wire::v2, "[\"1\"," + long_ref + ",\"t\",\"e\",{}]") == FrameError::too_long);
}

TEST_CASE("a topic of the greatest length is taken however it is spelled") {
    const Decoded spelled(Wire::v2, "[\"1\",\"2\",\"" +
                                        repeated("\\u0074", limits::topic_bytes_max) + "\",\"" +
                                        repeated("\\u0065", limits::event_bytes_max) + "\",{}]");
    REQUIRE(spelled.message);
    CHECK(spelled.message->topic == std::string(limits::topic_bytes_max, 't'));
    CHECK(spelled.message->event == std::string(limits::event_bytes_max, 'e'));
}
