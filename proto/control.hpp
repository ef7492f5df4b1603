// control: the requests and answers of the control socket, as msgpack maps. Spec: proto/control.md.
//
// A client (DEALER) sends a Request; the daemon (ROUTER) sends Answers that carry the request's
// id. A subscribe is answered once by Subscribed, when it is live on every node in view, and from
// then on by Message after Message with the same id. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/backend.hpp"
#include "proto/control_events.hpp"
#include "proto/result.hpp"
#include "proto/session.hpp"

namespace roost::control {

struct Ping {
    bool operator==(const Ping&) const = default;
};
// The payload is JSON text, or any bytes. The message id may be empty; a second message with the
// same one shows nowhere.
struct Publish {
    std::string topic, event, payload, message_id;
    bool is_binary = false;
    bool operator==(const Publish&) const = default;
};
struct Subscribe {
    std::vector<std::string> topics;
    bool operator==(const Subscribe&) const = default;
};
// Ends the subscription that the request `stream` began.
struct Unsubscribe {
    std::uint64_t stream = 0;
    bool operator==(const Unsubscribe&) const = default;
};
struct Nodes {
    bool operator==(const Nodes&) const = default;
};
struct Topics {
    bool operator==(const Topics&) const = default;
};

// Makes the asker a worker: it is sent requests (Asked) of these kinds about topics that one of the
// patterns covers, at most `credit` at once. Again with the same id it renews what it said.
struct Handle {
    static constexpr std::uint64_t credit_default = 16;
    std::vector<std::string> patterns;
    std::vector<backend::Kind> kinds;
    std::uint64_t credit = credit_default;
    bool operator==(const Handle&) const = default;
};
// Ends what the Handle of the id `handler` began. What the worker has been asked it may still
// answer.
struct Unhandle {
    std::uint64_t handler = 0;
    bool operator==(const Unhandle&) const = default;
};
// The answer to an Asked. Answered only if it is refused.
struct Respond {
    std::uint64_t request = 0;
    backend::Response response;
    std::string objection{};  // why what was read is no response; empty if it is one
    bool operator==(const Respond&) const = default;
};

// Where a message goes: to every node, to the one that is asked, or to one that is named.
enum class Scope { group, local, node };
inline constexpr std::size_t messages_max = 1000;
// Of their payloads, as often as there are topics: a short request may name many.
inline constexpr std::size_t messages_bytes_max = 16'000'000;
// Much at once, or not for everybody. Only what is for all the group has a place in a stream, and
// with it a position, a history and repair.
struct PublishMany {
    std::vector<Publish> messages;
    std::optional<SessionId> except, to;
    std::string to_user;  // all connections of the user; empty: of everybody
    Scope scope = Scope::group;
    std::string node;
    bool is_numbered() const { return scope == Scope::group && !to && to_user.empty(); }
    bool operator==(const PublishMany&) const = default;
};
// Closes a connection. After a final one its client stays away, if it is phoenix.js up to 1.8.12.
struct Kick {
    SessionId session;
    bool is_final = false;
    bool operator==(const Kick&) const = default;
};
// A push, to be decided by a backend as if a client had sent it.
struct Ask {
    std::string topic, event, payload, user;
    bool is_binary = false;
    bool operator==(const Ask&) const = default;
};

struct Request {
    std::uint64_t id = 0;
    std::variant<Ping, Publish, Subscribe, Unsubscribe, Nodes, Topics, Handle, Unhandle, Respond,
                 Events, Sessions, PublishMany, Kick, Ask>
        verb;
    bool operator==(const Request&) const = default;
};

struct Pong {
    std::string node, incarnation, group, version;
    std::uint64_t uptime_ms = 0;
    bool operator==(const Pong&) const = default;
};
// The place of the message in its stream, and how many nodes the group has in view. A duplicate
// was not published again, and has no position.
struct Published {
    std::string position;
    std::uint64_t peers = 0;
    bool is_duplicate = false;
    bool operator==(const Published&) const = default;
};
// The answer to PublishMany: a row for each message, with the channels that it reached on the nodes
// that were asked: of one for all the group, on this node.
struct PublishedRow {
    std::string topic, position;
    std::uint64_t channels = 0;
    bool is_duplicate = false;
    bool operator==(const PublishedRow&) const = default;
};
struct PublishedMany {
    std::uint64_t peers = 0;  // how many nodes it went to beside this one
    std::vector<PublishedRow> results;
    bool operator==(const PublishedMany&) const = default;
};
struct Kicked {
    bool was_there = false;
    bool operator==(const Kicked&) const = default;
};
struct Subscribed {
    bool operator==(const Subscribed&) const = default;
};
struct Unsubscribed {
    bool operator==(const Unsubscribed&) const = default;
};
// `missed` counts the messages of this stream that were dropped before this one, because the
// client did not read fast enough.
struct Message {
    std::string topic, event, payload, position;
    std::uint64_t missed = 0;
    bool is_binary = false;
    bool operator==(const Message&) const = default;
};
// `state` is one of: self, up, connecting, silent, down, refused. `reason` says why a node is not
// up.
struct NodeRow {
    std::string name, incarnation, address, state, reason;
    std::uint64_t for_ms = 0;  // how long it has been in this state
    bool operator==(const NodeRow&) const = default;
};
struct NodeList {
    std::vector<NodeRow> nodes;
    bool operator==(const NodeList&) const = default;
};
struct TopicRow {
    std::string topic;
    std::uint64_t channels = 0;
    bool operator==(const TopicRow&) const = default;
};
struct TopicList {
    std::vector<TopicRow> topics;
    bool operator==(const TopicList&) const = default;
};
// The worker is registered. Handling is sent again every second: a sign of life.
struct Handling {
    bool operator==(const Handling&) const = default;
};
struct Unhandled {
    bool operator==(const Unhandled&) const = default;
};
// What a client would be replied.
struct Replied {
    std::string status, payload;
    bool is_binary = false;
    bool operator==(const Replied&) const = default;
};
// A request for the worker, to be answered by a Respond of this number.
struct Asked {
    std::uint64_t request = 0;
    backend::Request about;
    bool operator==(const Asked&) const = default;
};
// `code` is one of the catalogue in proto/control.md; `text` is for people.
struct Refused {
    std::string code, text;
    bool operator==(const Refused&) const = default;
};

struct Answer {
    std::uint64_t id = 0;
    std::variant<Pong, Published, Subscribed, Unsubscribed, Message, NodeList, TopicList, Refused,
                 Handling, Unhandled, Asked, EventBatch, SessionList, PublishedMany, Kicked,
                 Replied>
        body;
    bool operator==(const Answer&) const = default;
};

std::string encode(const Request& request);
std::string encode(const Answer& answer);

// Bytes of a client: hostile until parsed. The refusal's id is 0 when none could be read.
Result<Request, Answer> decode_request(std::string_view bytes);
Result<Answer, std::string> decode_answer(std::string_view bytes);

}  // namespace roost::control
