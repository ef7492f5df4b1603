// The load generator of roost bench: what it writes, what it reads, and how it counts.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "client/bench/client_frame.hpp"
#include "client/bench/dialect.hpp"
#include "client/bench/latencies.hpp"
#include "client/bench/load_error.hpp"
#include "client/bench/target.hpp"
#include "client/bench/traffic.hpp"

namespace roost::bench {

namespace {

struct Heard final : Ear {
    void on_ok() override { all.emplace_back("ok"); }
    void on_refused(std::string_view why) override {
        all.push_back("refused: " + std::string(why));
    }
    void on_message(std::string_view payload) override { all.emplace_back(payload); }
    void on_question(const std::string& answer) override {
        all.push_back("answer of " + std::to_string(answer.size()));
    }
    std::vector<std::string> all;
};

using Texts = std::vector<std::string>;

// What is heard of the bytes, and that it is the same wherever they are cut.
Texts heard(const Dialect& dialect, const std::string& bytes) {
    Heard whole;
    CHECK(dialect.read(bytes, whole) == bytes.size());
    for (std::size_t cut = 0; cut < bytes.size() && dialect.is_stream(); ++cut) {
        Heard parts;
        const std::size_t taken = dialect.read(std::string_view(bytes).substr(0, cut), parts);
        REQUIRE(taken <= cut);
        CHECK(dialect.read(std::string_view(bytes).substr(taken), parts) == bytes.size() - taken);
        CHECK(parts.all == whole.all);
    }
    return whole.all;
}

// The content of one frame of a client.
std::string unmasked(std::string_view frame) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(frame[i]); };
    REQUIRE((byte(1) & 128U) != 0);
    const std::size_t mask = (byte(1) & 127U) == 126 ? 4 : (byte(1) & 127U) == 127 ? 10 : 2;
    std::string content;
    for (std::size_t i = mask + 4; i < frame.size(); ++i) {
        content.push_back(static_cast<char>(byte(i) ^ byte(mask + (i - mask - 4) % 4)));
    }
    return content;
}

}  // namespace

TEST_CASE("a client's frame is whole and masked, whatever its size") {
    for (const std::size_t size :
         std::vector<std::size_t>{0, 1, 125, 126, 65'535, 65'536, 70'000}) {
        const std::string content(size, 'x');
        CHECK(unmasked(client_frame(opcode::text, content)) == content);
    }
}

TEST_CASE("the head of a server's frame is read when it is whole") {
    const std::string small("\x81\x05hello", 7), middle("\x82\x7e\x01\x00", 4);
    const std::string large("\x80\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    CHECK_FALSE(read_head(small.substr(0, 1)));
    CHECK_FALSE(read_head(middle.substr(0, 3)));
    CHECK_FALSE(read_head(large.substr(0, 9)));
    CHECK(read_head(small)->content_bytes == 5);
    CHECK(read_head(middle)->opcode == opcode::binary);
    CHECK(read_head(middle)->content_bytes == 256);
    CHECK(read_head(large)->content_bytes == 65'536);
    CHECK(read_head(large)->head_bytes == 10);
}

TEST_CASE("Phoenix: replies, broadcasts and what else comes") {
    const auto dialect = phoenix("a.b-c_d/=");
    Target target;
    target.path = "/socket";
    CHECK(dialect->path(target) == "/socket/websocket?vsn=2.0.0&token=a.b-c_d%2F%3D");
    CHECK(unmasked(dialect->publish("room:1", "{}")) == R"(["1","p","room:1","m",{}])");
    const auto one = [&](const std::string& text) { return heard(*dialect, text); };
    CHECK(one(R"(["1","1","t","phx_reply",{"response":{},"status":"ok"}])") == Texts{"ok"});
    CHECK(one(R"([null,null,"t","m",{"n":"phx_reply"}])") == Texts{R"({"n":"phx_reply"})"});
    CHECK(one(R"(["1",null,"t","m",{"n":"1"}])") == Texts{R"({"n":"1"})"});
    CHECK(one(R"(["1","9","t","phx_reply",{"response":{"reason":"full"},"status":"error"}])") ==
          Texts{"refused: full"});
    CHECK(one(R"(["1",null,"t","phx_error",{}])").front().starts_with("refused"));
    CHECK(one(R"(["1","1","t","phx_close",{}])").empty());
}

TEST_CASE("NATS: a stream of lines, and messages behind theirs") {
    const auto dialect = nats();
    CHECK(unmasked(dialect->publish("a.b", "{}")) == "PUB a.b 2\r\n{}\r\n");
    CHECK(heard(*dialect, "INFO {}\r\nPONG\r\nMSG t 1 4\r\n\r\n{}\r\nPING\r\n+OK\r\n") ==
          Texts{"ok", "\r\n{}", "answer of 12"});
    CHECK(heard(*dialect, "-ERR 'no'\r\n") == Texts{"refused: -ERR 'no'"});
    Heard nothing;
    CHECK(dialect->read("MSG t 1 18446744073709551615\r\n{}\r\n", nothing) == 0);
    CHECK(nothing.all.empty());
}

TEST_CASE("MQTT: packets") {
    const auto dialect = mqtt();
    const std::string long_payload(300, 'x');
    const auto publish = unmasked(dialect->publish("t", long_payload));
    CHECK(heard(*dialect, publish) == Texts{long_payload});
    const std::string connack("\x20\x02\x00\x00", 4), suback("\x90\x03\x00\x01\x00", 5);
    CHECK(heard(*dialect, connack + suback + publish) == Texts{"ok", long_payload});
    CHECK(heard(*dialect, std::string("\x20\x02\x00\x05", 4)).front().starts_with("refused"));
    CHECK(heard(*dialect, std::string("\x90\x03\x00\x01\x80", 5)).front().starts_with("refused"));
}

TEST_CASE("a target is a WebSocket's address") {
    const auto local = parse_target("ws://127.0.0.1:4000");
    CHECK(local.name() == "127.0.0.1:4000");
    CHECK(local.path == "/socket");
    CHECK(local.is_loopback());
    CHECK(parse_target("ws://127.0.0.1/live/").path == "/live");
    CHECK(parse_target("ws://127.0.0.1/live").port == 80);
    CHECK_FALSE(parse_target("ws://[::1]:4000").is_loopback());
    for (const auto* wrong : {"", "127.0.0.1", "http://a", "wss://a", "ws://", "ws://:1",
                              "ws://a:0", "ws://a:65536", "ws://a:b", "ws://a:"}) {
        CHECK_THROWS_AS(parse_target(wrong), LoadError);
    }
}

TEST_CASE("a payload says whose it is, whatever its size") {
    for (const std::size_t size : std::vector<std::size_t>{0, 64, 128, 5000}) {
        const auto payload = to_payload({12, 345}, size);
        if (size >= 64) CHECK(payload.size() == size);
        CHECK(from_payload(payload).publisher == 12);
        CHECK(from_payload(payload).number == 345);
    }
    CHECK_THROWS_AS(from_payload("{}"), LoadError);
    CHECK_THROWS_AS(from_payload(R"({"n":"1"})"), LoadError);
}

TEST_CASE("the ledger notices what is lost, what comes twice, and what changes its place") {
    Ledger ledger(2, 1);
    for (int i = 0; i < 3; ++i) ledger.expect(2);
    for (const std::size_t number : std::vector<std::size_t>{0, 1, 2}) ledger.take(0, 0, number);
    ledger.take(1, 0, 0);
    CHECK(ledger.lost() == 2);
    CHECK(ledger.out_of_order() == 0);
    CHECK_FALSE(ledger.is_complete());
    ledger.take(1, 0, 2);
    CHECK(ledger.lost() == 1);
    CHECK(ledger.out_of_order() == 1);
    ledger.take(1, 0, 1);
    CHECK(ledger.is_complete());
    CHECK(ledger.out_of_order() == 2);
}

TEST_CASE("percentiles are right to within 2 %") {
    Latencies latencies;
    CHECK(latencies.percentile(0.5) == 0);
    for (int us = 1; us <= 10'000; ++us) latencies.add(std::chrono::microseconds(us));
    CHECK(latencies.percentile(0.5) == Approx(5000).epsilon(0.02));
    CHECK(latencies.percentile(0.99) == Approx(9900).epsilon(0.02));
    CHECK(latencies.percentile(0) == Approx(1).epsilon(0.02));
    CHECK(latencies.longest() == 10'000);
    latencies.add(std::chrono::hours(1000));
    CHECK(latencies.longest() == 3'600'000'000'000);
    CHECK(latencies.count() == 10'001);
}

}  // namespace roost::bench
