// control: the requests and answers of the control socket, as msgpack maps. Spec: proto/control.md.
//
// A client (DEALER) sends a Request; the daemon (ROUTER) sends Answers that carry the request's
// id. A subscribe is answered once by Subscribed, when it is live on every node in view, and from
// then on by Message after Message with the same id. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/control_events.hpp"
#include "proto/result.hpp"

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

struct Request {
    std::uint64_t id = 0;
    std::variant<Ping, Publish, Subscribe, Unsubscribe, Nodes, Topics, Events, Sessions> verb;
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
// `code` is one of the catalogue in proto/control.md; `text` is for people.
struct Refused {
    std::string code, text;
    bool operator==(const Refused&) const = default;
};

struct Answer {
    std::uint64_t id = 0;
    std::variant<Pong, Published, Subscribed, Unsubscribed, Message, NodeList, TopicList, Refused,
                 EventBatch, SessionList>
        body;
    bool operator==(const Answer&) const = default;
};

std::string encode(const Request& request);
std::string encode(const Answer& answer);

// Bytes of a client: hostile until parsed. The refusal's id is 0 when none could be read.
Result<Request, Answer> decode_request(std::string_view bytes);
Result<Answer, std::string> decode_answer(std::string_view bytes);

}  // namespace roost::control
