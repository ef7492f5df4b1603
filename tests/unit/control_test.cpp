#include "proto/control.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace roost;
using namespace roost::control;
using namespace std::string_literals;

namespace {

const std::vector<Request> requests = {
    {1, Ping{}},
    {2, Publish{"room:1", "new_msg", R"({"body":"hé"})", {}}},
    {2, Publish{"room:1", "new_msg", "{}", "id-1"}},
    {3, Subscribe{{"room:1", "room:2"}}},
    {4, Unsubscribe{3}},
    {5, Nodes{}},
    {std::numeric_limits<std::uint64_t>::max(), Topics{}},
    {6, Handle{{"room:*", "lobby"}, {backend::Kind::connect, backend::Kind::push}, 3}},
    {7, Unhandle{6}},
    {8, Respond{17, {}}},
    {9, Ask{"room:1", "echo", "{}", "ann", false}},
    {9, Ask{"room:1", "echo", "\xff", "", true}},
    {8, Respond{17,
                {"",
                 "\x00\xff"s,
                 true,
                 true,
                 "ann",
                 R"({"role":"host"})",
                 {{backend::Action::Kind::broadcast, "room:2", "said", "\x01", true},
                  {backend::Action::Kind::others, "", "said", "{}", false},
                  {backend::Action::Kind::push, "", "state", "{}", false},
                  {backend::Action::Kind::leave, "", "", "", false},
                  {backend::Action::Kind::disconnect, "", "", "", false}}}}},
};

const std::vector<Answer> answers = {
    {1, Pong{"web-1", "9f3c", "roost", "0.1.0", 1234567}},
    {2, Published{"web-1.9f3c.17", 2, false}},
    {2, Published{"", 2, true}},
    {3, Subscribed{}},
    {4, Unsubscribed{}},
    {3, Message{"room:1", "new_msg", "{}", "web-1.9f3c.18", 0}},
    {5, NodeList{{{"web-1", "9f3c", "10.0.0.1:7370", "self", "", 12},
                  {"web-2", "", "10.0.0.2:7370", "down", "silent", 3000}}}},
    {6, TopicList{{{"room:1", 3}, {"room:2", 0}}}},
    {7, NodeList{}},
    {6, Handling{}},
    {7, Unhandled{}},
    {9, Replied{"ok", "{}", false}},
    {9, Replied{"", "\xff", true}},
    {6, Asked{17,
              {backend::Kind::join,
               5000,
               "000000000000001f.0-4294967296",
               "ann",
               "{}",
               "",
               {},
               "room:1",
               "",
               "",
               "{}",
               false}}},
    {6, Asked{18,
              {backend::Kind::push,
               10,
               "000000000000001f.0-4294967296",
               "",
               "",
               "",
               {},
               "room:1",
               "echo",
               "\"7\"",
               "\xff",
               true}}},
    {6, Asked{19,
              {backend::Kind::connect,
               10,
               "000000000000001f.0-4294967296",
               "",
               "",
               "10.0.0.9",
               {{"cookie", "a=1"}, {"x-y", ""}},
               "",
               "",
               "",
               R"({"vsn":"2.0.0"})",
               false}}},
    {0, Refused{"bad_request", "id is missing"}},
};

// The refusal of a request that must be refused.
Refused refusal(std::string_view bytes) {
    const auto request = decode_request(bytes);
    REQUIRE_FALSE(request);
    return std::get<Refused>(request.error().body);
}

// {"id":1,"do":verb, and `more` as msgpack, which holds `keys` keys.
std::string message(char keys, std::string_view verb, std::string_view more) {
    std::string bytes(1, static_cast<char>(0x82 + keys));
    bytes += "\xa2id\x01\xa2"s + "do";
    bytes += static_cast<char>(0xa0 + verb.size());
    return bytes.append(verb).append(more);
}

}  // namespace

TEST_CASE("every request survives its encoding") {
    for (const Request& request : requests) {
        const auto decoded = decode_request(encode(request));
        REQUIRE(decoded);
        CHECK(*decoded == request);
    }
}

TEST_CASE("every answer survives its encoding") {
    for (const Answer& answer : answers) {
        const auto decoded = decode_answer(encode(answer));
        REQUIRE(decoded);
        CHECK(*decoded == answer);
    }
}

// Programs in other languages write and read these bytes: to change one is to break them.
TEST_CASE("a publish and its answer have the bytes of the specification") {
    CHECK(encode(Request{1, Publish{"room:1", "new_msg", "{}", {}}}) ==
          "\x85\xa2id\x01\xa2"
          "do\xa7publish\xa5topic\xa6room:1\xa5"
          "event\xa7new_msg\xa7payload\xa2{}"s);
    CHECK(encode(Answer{300, Published{"p", 2, false}}) ==
          "\x85\xa2id\xcd\x01\x2c\xa2is\xa9published\xa8position\xa1p\xa5peers\x02"
          "\xa9"
          "duplicate\xc2"s);
}

TEST_CASE("no cut-off message is accepted") {
    for (const Request& request : requests) {
        const std::string bytes = encode(request);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto decoded = decode_request(std::string_view(bytes).substr(0, size));
            REQUIRE_FALSE(decoded);
            CHECK(decoded.error().id == 0);
        }
        CHECK(refusal(bytes + '\0').code == "bad_request");
    }
    for (const Answer& answer : answers) {
        const std::string bytes = encode(answer);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CHECK_FALSE(decode_answer(std::string_view(bytes).substr(0, size)));
        }
    }
}

TEST_CASE("unknown keys are ignored") {
    const auto decoded = decode_request(message(2, "ping", "\xa1z\x92\x01\x80\x05\xc0"));
    REQUIRE(decoded);
    CHECK(*decoded == Request{1, Ping{}});
}

TEST_CASE("a wrong field is named, and the refusal carries the id of its request") {
    const auto untyped = decode_request(message(1, "publish", "\xa5topic\x07"));
    REQUIRE_FALSE(untyped);
    CHECK(untyped.error() == Answer{1, Refused{"bad_request", "topic must be a string"}});

    CHECK(refusal("\x81\xa2id\xff").text == "id must be an integer of 0 or more");
    CHECK(refusal("\x81\xa2id\xa1x").text == "id must be an integer of 0 or more");
    CHECK(refusal("\x81\xa2id\x01").text == "do is missing");
    CHECK(refusal("\x82\xa2id\x01\xa2"
                  "do\xc0")
              .text == "do must be a string");
    CHECK(refusal("\x80").text == "id is missing");
    CHECK(refusal("\x01").text == "not a map");
    CHECK(refusal(message(0, "publish", "")).text == "topic is missing");
    CHECK(refusal(message(0, "unsubscribe", "")).text == "stream is missing");
    CHECK(refusal(message(1, "subscribe", "\xa6topics\xa1x")).text == "topics must be an array");
    CHECK(refusal(message(1, "subscribe", "\xa6topics\x91\x01")).text == "topics must be strings");
    CHECK(refusal(message(1, "subscribe", "\xa6topics\x90")).text == "topics must not be empty");
    CHECK(refusal(message(0, "destroy", "")).code == "unknown_verb");
}

TEST_CASE("topics and events are 1 to 1024 bytes of UTF-8") {
    const auto publish = [](std::string topic, std::string event) {
        return encode(Request{1, Publish{std::move(topic), std::move(event), "{}", {}}});
    };
    CHECK(decode_request(publish(std::string(1024, 't'), "e")));
    CHECK(refusal(publish(std::string(1025, 't'), "e")).code == "bad_topic");
    CHECK(refusal(publish("", "e")) == Refused{"bad_topic", "topic must not be empty"});
    CHECK(refusal(publish("t", "")) == Refused{"bad_request", "event must not be empty"});
    CHECK(refusal(publish("t", std::string(1025, 'e'))).code == "bad_request");

    for (const char* good : {"\x7f", "é", "€", "𝄞"}) {
        CHECK(decode_request(publish(good, "e")));
    }
    for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xff"}) {
        CHECK(refusal(publish(bad, "e")) == Refused{"bad_topic", "topic must be UTF-8"});
    }
}

TEST_CASE("a subscribe names at most 1000 topics") {
    const auto subscribe = [](std::size_t count) {
        return encode(Request{9, Subscribe{std::vector<std::string>(count, "t")}});
    };
    CHECK(decode_request(subscribe(1000)));
    const auto above = decode_request(subscribe(1001));
    REQUIRE_FALSE(above);
    CHECK(above.error() == Answer{9, Refused{"too_many", "topics has more than 1000 items"}});
    CHECK(refusal(subscribe(100000)).code == "too_many");
}

TEST_CASE("announced sizes and depths are not believed") {
    CHECK(refusal("\xdd\xff\xff\xff\xff").code == "too_many");                   // array
    CHECK(refusal("\xdf\xff\xff\xff\xff").code == "bad_request");                // map
    CHECK(refusal("\xdb\xff\xff\xff\xff").code == "bad_request");                // string
    CHECK(refusal("\xc6\xff\xff\xff\xff").code == "bad_request");                // binary
    CHECK(refusal("\xc9\xff\xff\xff\xff\x01").code == "bad_request");            // extension
    CHECK(refusal(std::string(100000, '\x91') + '\x01').code == "bad_request");  // depth
    CHECK_FALSE(decode_answer("\xdd\xff\xff\xff\xff"));
    CHECK_FALSE(decode_answer(std::string(100000, '\x91') + '\x01'));
}

TEST_CASE("random bytes, and messages with random bytes in them, are read or refused") {
    std::mt19937 random(1);
    const auto byte = [&] { return static_cast<char>(random() & 0xffU); };
    std::size_t read = 0;
    const auto feed = [&](const std::string& bytes) {
        if (const auto request = decode_request(bytes)) {
            ++read;
            // What is wrong with a response is told, and not said again.
            const auto* respond = std::get_if<Respond>(&request->verb);
            if (respond && !respond->objection.empty()) return;
            const auto again = decode_request(encode(*request));
            REQUIRE(again);
            REQUIRE(*again == *request);
        } else {
            REQUIRE_FALSE(std::get<Refused>(request.error().body).text.empty());
        }
        if (const auto answer = decode_answer(bytes)) REQUIRE(decode_answer(encode(*answer)));
    };
    for (int i = 0; i < 20000; ++i) {
        std::string noise(random() % 64, '\0');
        for (char& c : noise) c = byte();
        feed(noise);

        std::string request = encode(requests[random() % requests.size()]);
        request[random() % request.size()] = byte();
        feed(request);

        std::string answer = encode(answers[random() % answers.size()]);
        answer[random() % answer.size()] = byte();
        feed(answer);
    }
    CHECK(read > 0);
}

TEST_CASE("a message id is optional, and a string of 1 to 128 bytes") {
    const auto with = [](const std::string& id) {
        return encode(Request{1, Publish{"room:1", "new_msg", "{}", id}});
    };
    CHECK(with("") == with(std::string()));
    CHECK(with("").find("message_id") == std::string::npos);
    CHECK(decode_request(with(std::string(128, 'x'))));
    const std::string text = "message_id must be a string of 1 to 128 bytes";
    CHECK(refusal(with(std::string(129, 'x'))).text == text);
    // {"topic":"t","event":"e","payload":"{}","message_id":...}
    const auto raw = [](const std::string& id) {
        return message(4, "publish",
                       "\xa5topic\xa1t\xa5"
                       "event\xa1"
                       "e\xa7payload\xa2{}\xaamessage_id" +
                           id);
    };
    CHECK(decode_request(raw("\xa1x")));
    CHECK(refusal(raw("\xa0")).text == text);
    CHECK(refusal(raw("\x07")).text == "message_id must be a string");
    CHECK(refusal(raw("\xc0")).text == "message_id must be a string");
}
