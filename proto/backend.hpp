// backend: what a backend is asked about a client, and what it answers, whichever wire brings it.
//
// The control socket carries these as msgpack (control_backend.cpp); spec: proto/control.md. Plain
// values, which any thread may make and read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/json.hpp"

namespace roost::backend {

enum class Kind : std::uint8_t { connect, join, push };
inline constexpr std::size_t kinds = 3;
std::string_view name_of(Kind kind);
std::optional<Kind> parse_kind(std::string_view name);

// What is asked. Texts that do not belong to the kind are empty.
struct Request {
    Kind kind{};
    std::uint64_t deadline_ms = 0;  // what is left until nobody waits for the response any more
    std::string session;            // proto/session.hpp
    std::string user;               // of the token, or what a backend has said; may be empty
    std::string data;               // JSON that a backend has stuck to the connection; may be empty
    // connect
    std::string address;
    std::vector<std::pair<std::string, std::string>> headers;  // those of --forward-header
    // join, push
    std::string topic;
    // push
    std::string event;
    std::string ref;  // JSON: of the client's message
    // connect: its parameters; join, push: its payload. JSON, or any bytes.
    std::string payload;
    bool is_binary = false;
    bool operator==(const Request&) const = default;
};

// What is to be done beside the reply. Of a push before it, of a join after it.
struct Action {
    enum class Kind : std::uint8_t {
        broadcast,   // to the topic
        others,      // the same, but for the client's own channel
        push,        // to the client alone
        leave,       // the client's channel ends
        disconnect,  // its connection ends
    };
    Kind kind{};
    // An empty topic stands for that of the request.
    std::string topic, event, payload;
    bool is_binary = false;
    bool operator==(const Action&) const = default;
};
inline constexpr std::size_t action_kinds = 5;
std::string_view name_of(Action::Kind kind);
std::optional<Action::Kind> parse_action(std::string_view name);

struct Response {
    // What the client is replied: "ok" lets it connect or join, any other does not. To a push an
    // empty one says nothing at all.
    std::string status = "ok";
    std::string payload = "{}";  // JSON, or any bytes
    bool is_binary = false;
    // The channel has failed: the client is told phx_error, and that a join has crashed.
    bool is_crash = false;
    // From now on those of the connection.
    std::optional<std::string> user, data;
    std::vector<Action> actions;
    bool operator==(const Response&) const = default;
};
inline constexpr std::size_t actions_max = 100;

// How a request has ended.
struct Outcome {
    enum class Kind : std::uint8_t {
        answered,
        unavailable,  // no backend, or none that takes more: it has seen nothing of the request
        failed,       // the backend that had it went away without an answer
        late,         // it did not answer in time
        cancelled,    // who asked took it back before a backend had it
    };
    Kind kind = Kind::answered;
    Response response;  // of one that was answered
    bool operator==(const Outcome&) const = default;
};
inline constexpr std::size_t outcomes = 5;
std::string_view name_of(Outcome::Kind kind);
// What the client is told of one that was not answered.
std::string_view reason_of(Outcome::Kind kind);

// What is wrong with it; empty if nothing is. A backend's words are hostile until then: payloads
// and data are to be JSON, names UTF-8 and short enough.
std::string objection_to(const Response& response, JsonReader& reader);

}  // namespace roost::backend
