// hub_fixture: a hub with an outlet and a sink that record, and clients that are typed in.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/hub.hpp"
#include "proto/big_endian.hpp"
#include "proto/ws_frame.hpp"
#include "tests/unit/made.hpp"

namespace roost::test {

using Texts = std::vector<std::string>;

struct HubRecorder : HubOutlet {
    void to_node(const BroadcastRef& broadcast) override { published.push_back(broadcast); }
    void want(Bucket bucket, Ticket ticket) override { wants.emplace_back(bucket, ticket); }
    void release(Bucket bucket) override { releases.push_back(bucket); }
    void resume(Ticket ticket, std::string_view topic, const Since& since) override {
        resumes.push_back({ticket, std::string(topic), since});
    }
    void close(SocketId socket, CloseCode code) override { closes.emplace_back(socket, code); }
    void note(const Fact& fact) override { ++facts[fact.kind]; }

    struct Resume {
        Ticket ticket;
        std::string topic;
        Since since;
    };

    std::vector<BroadcastRef> published;
    std::vector<Resume> resumes;
    std::vector<std::pair<Bucket, Ticket>> wants;
    std::vector<Bucket> releases;
    std::vector<std::pair<SocketId, CloseCode>> closes;
    std::map<FactKind, int> facts;
};

struct FrameRecorder : SocketSink {
    bool send(SocketId socket, std::string_view bytes) override {
        while (!bytes.empty()) {
            const std::size_t length = static_cast<unsigned char>(bytes[1]);
            REQUIRE(length < 127);
            const std::size_t size =
                length < 126 ? 2 + length
                             : std::size_t{4} + read_big_endian<std::uint16_t>(bytes.data() + 2);
            const auto frame = bytes.substr(0, size);
            const auto text = ws::content_of(frame, ws::Opcode::text);
            const auto binary = ws::content_of(frame, ws::Opcode::binary);
            sent[socket].push_back(text     ? std::string(*text)
                                   : binary ? "bytes " + std::string(*binary)
                                            : "ping");
            bytes.remove_prefix(size);
        }
        return !slow.contains(socket);
    }

    std::map<SocketId, Texts> sent;
    std::set<SocketId> slow;
};

inline HubLimits small_limits() {
    HubLimits limits;
    limits.channels_max = 3;
    limits.idle_max = std::chrono::seconds(60);
    limits.outbox.bytes_max = 1000;
    return limits;
}

inline const std::string ok = R"("phx_reply",{"response":{},"status":"ok"}])";
inline std::string error(std::string_view reason) {
    return R"("phx_reply",{"response":{"reason":")" + std::string(reason) +
           R"("},"status":"error"}])";
}

struct HubFixture {
    explicit HubFixture(std::vector<Rule> given = {}) : rules(std::move(given)) {}

    SocketId open(Wire wire = Wire::v2) { return hub.on_open(wire, now); }
    void say(SocketId socket, std::string_view text) { hub.on_text(socket, text, now); }
    // What has been sent to the socket since the last time.
    Texts heard(SocketId socket) {
        hub.flush();
        return std::exchange(sink.sent[socket], {});
    }
    void make_live() {
        for (const auto& [bucket, ticket] : std::exchange(outlet.wants, {})) {
            hub.on_live(bucket, ticket, now);
        }
    }
    SocketId joined(std::string_view topic = "room:a") {
        const auto socket = open();
        say(socket, R"(["1","1",")" + std::string(topic) + R"(","phx_join",{}])");
        make_live();
        REQUIRE(heard(socket) == Texts{R"(["1","1",")" + std::string(topic) + R"(",)" + ok});
        return socket;
    }
    void run_for(Duration duration) {
        for (const Time end = now + duration; now < end;) {
            now += std::chrono::milliseconds(500);
            if (now >= hub.next_deadline()) hub.tick(now);
        }
    }

    Time now{std::chrono::hours(1)};
    HubRecorder outlet;
    FrameRecorder sink;
    Rules rules;
    Hub hub{{7, 2}, rules, small_limits(), outlet, sink};
};

inline const std::string join_a = R"(["3","3","room:a","phx_join",{}])";

}  // namespace roost::test
