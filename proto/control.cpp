#include "proto/control.hpp"

#include <optional>
#include <utility>

#include "proto/control_backend.hpp"
#include "proto/control_fields.hpp"
#include "proto/control_publish.hpp"

namespace roost::control {
namespace {

struct RequestWriter {
    std::uint64_t id;

    Writer begin(std::uint32_t keys, std::string_view verb) const { return {keys, id, "do", verb}; }

    std::string operator()(const Ping&) const { return begin(0, "ping").bytes(); }
    std::string operator()(const Nodes&) const { return begin(0, "nodes").bytes(); }
    std::string operator()(const Topics&) const { return begin(0, "topics").bytes(); }
    std::string operator()(const Publish& verb) const {
        Writer out = begin(verb.message_id.empty() ? 3 : 4, "publish");
        out.field("topic", verb.topic).field("event", verb.event);
        out.payload(verb.payload, verb.is_binary);
        if (!verb.message_id.empty()) out.field("message_id", verb.message_id);
        return out.bytes();
    }
    std::string operator()(const Subscribe& verb) const {
        Writer out = begin(1, "subscribe");
        out.array("topics", verb.topics.size());
        for (const std::string& topic : verb.topics) out.text(topic);
        return out.bytes();
    }
    std::string operator()(const Unsubscribe& verb) const {
        return begin(1, "unsubscribe").field("stream", verb.stream).bytes();
    }
    std::string operator()(const Handle& verb) const { return encode_verb(id, verb); }
    std::string operator()(const Unhandle& verb) const { return encode_verb(id, verb); }
    std::string operator()(const Respond& verb) const { return encode_verb(id, verb); }
    std::string operator()(const Events& verb) const { return encode_verb(id, verb); }
    std::string operator()(const Sessions& verb) const { return encode_verb(id, verb); }
    std::string operator()(const PublishMany& verb) const { return encode_verb(id, verb); }
    std::string operator()(const Kick& verb) const { return encode_verb(id, verb); }
    std::string operator()(const Ask& verb) const { return encode_verb(id, verb); }
};

struct AnswerWriter {
    std::uint64_t id;

    Writer begin(std::uint32_t keys, std::string_view kind) const { return {keys, id, "is", kind}; }

    std::string operator()(const Pong& body) const {
        return begin(5, "pong")
            .field("node", body.node)
            .field("incarnation", body.incarnation)
            .field("group", body.group)
            .field("version", body.version)
            .field("uptime_ms", body.uptime_ms)
            .bytes();
    }
    std::string operator()(const Published& body) const {
        return begin(3, "published")
            .field("position", body.position)
            .field("peers", body.peers)
            .truth("duplicate", body.is_duplicate)
            .bytes();
    }
    std::string operator()(const Subscribed&) const { return begin(0, "subscribed").bytes(); }
    std::string operator()(const Unsubscribed&) const { return begin(0, "unsubscribed").bytes(); }
    std::string operator()(const Message& body) const {
        return begin(5, "message")
            .field("topic", body.topic)
            .field("event", body.event)
            .payload(body.payload, body.is_binary)
            .field("position", body.position)
            .field("missed", body.missed)
            .bytes();
    }
    std::string operator()(const NodeList& body) const {
        Writer out = begin(1, "nodes");
        out.array("nodes", body.nodes.size());
        for (const NodeRow& row : body.nodes) {
            out.map(6)
                .field("name", row.name)
                .field("incarnation", row.incarnation)
                .field("address", row.address)
                .field("state", row.state)
                .field("reason", row.reason)
                .field("for_ms", row.for_ms);
        }
        return out.bytes();
    }
    std::string operator()(const TopicList& body) const {
        Writer out = begin(1, "topics");
        out.array("topics", body.topics.size());
        for (const TopicRow& row : body.topics) {
            out.map(2).field("topic", row.topic).field("channels", row.channels);
        }
        return out.bytes();
    }
    std::string operator()(const Refused& body) const {
        return begin(2, "refused").field("code", body.code).field("text", body.text).bytes();
    }
    std::string operator()(const Handling&) const { return begin(0, "handling").bytes(); }
    std::string operator()(const Unhandled&) const { return begin(0, "unhandled").bytes(); }
    std::string operator()(const Replied& body) const { return encode_body(id, body); }
    std::string operator()(const Asked& body) const { return encode_body(id, body); }
    std::string operator()(const EventBatch& body) const { return encode_body(id, body); }
    std::string operator()(const SessionList& body) const { return encode_body(id, body); }
    std::string operator()(const PublishedMany& body) const { return encode_body(id, body); }
    std::string operator()(const Kicked& body) const {
        return begin(1, "kicked").truth("found", body.was_there).bytes();
    }
};

// False if there is no such verb. Fills what its caller returns, instead of returning it: gcc 12
// believes parts of a moved variant to be uninitialized.
bool read_verb(Fields& in, std::string_view name, decltype(Request::verb)& verb) {
    if (name == "ping") {
        verb.emplace<Ping>();
    } else if (name == "nodes") {
        verb.emplace<Nodes>();
    } else if (name == "topics") {
        verb.emplace<Topics>();
    } else if (name == "subscribe") {
        verb.emplace<Subscribe>().topics = in.topics();
    } else if (name == "unsubscribe") {
        verb.emplace<Unsubscribe>().stream = in.number("stream");
    } else {
        return read_publish_verb(in, name, verb) || read_backend_verb(in, name, verb);
    }
    return true;
}

// Wrong rows make the list wrong, by the first of them.
template <class Row, class Read>
std::vector<Row> read_rows(Fields& in, std::string_view name, Read read) {
    const msgpack::object_array items = in.list(name);
    std::vector<Row> rows;
    for (std::uint32_t i = 0; i < items.size && !in.wrong; ++i) {
        Fields row(items.ptr[i]);
        rows.push_back(read(row));
        in.wrong = row.wrong;
    }
    return rows;
}

NodeRow read_node(Fields& row) {
    return {row.text("name"),  row.text("incarnation"), row.text("address"),
            row.text("state"), row.text("reason"),      row.number("for_ms")};
}

TopicRow read_topic(Fields& row) {
    return {row.text("topic"), row.number("channels")};
}

std::optional<decltype(Answer::body)> read_body(Fields& in, std::string_view kind) {
    if (kind == "pong") {
        return Pong{in.text("node"), in.text("incarnation"), in.text("group"), in.text("version"),
                    in.number("uptime_ms")};
    }
    if (kind == "published" && in.has("results")) return read_published(in);
    if (kind == "kicked") return Kicked{in.truth("found")};
    if (kind == "published") {
        return Published{in.text("position"), in.number("peers"), in.truth("duplicate")};
    }
    if (kind == "subscribed") return Subscribed{};
    if (kind == "unsubscribed") return Unsubscribed{};
    if (kind == "message") {
        Message message{in.text("topic"), in.text("event"), "", in.text("position"),
                        in.number("missed")};
        message.payload = in.payload(message.is_binary);
        return message;
    }
    if (kind == "nodes") return NodeList{read_rows<NodeRow>(in, "nodes", read_node)};
    if (kind == "topics") return TopicList{read_rows<TopicRow>(in, "topics", read_topic)};
    if (kind == "refused") return Refused{in.text("code"), in.text("text")};
    if (kind == "handling") return Handling{};
    if (kind == "unhandled") return Unhandled{};
    if (kind == "request") return read_asked(in);
    if (kind == "replied") {
        Replied replied{in.text("status"), "", false};
        replied.payload = in.payload(replied.is_binary);
        return replied;
    }
    return std::nullopt;
}

template <class Verb>
Result<Request, Answer> request_of(std::uint64_t id, Result<Verb, std::string> verb) {
    if (!verb) return Unexpected{Answer{id, Refused{"bad_request", verb.error()}}};
    return Request{id, std::move(*verb)};
}

template <class Body>
Result<Answer, std::string> answer_of(std::uint64_t id, Result<Body, std::string> body) {
    if (!body) return Unexpected{body.error()};
    return Answer{id, std::move(*body)};
}

}  // namespace

std::string encode(const Request& request) {
    return std::visit(RequestWriter{request.id}, request.verb);
}

std::string encode(const Answer& answer) {
    return std::visit(AnswerWriter{answer.id}, answer.body);
}

Result<Request, Answer> decode_request(std::string_view bytes) {
    const auto unpacked = unpack(bytes, request_items_max);
    if (!unpacked) return Unexpected{Answer{0, unpacked.error()}};

    Fields in(unpacked->get());
    const std::uint64_t id = in.number("id");
    if (in.wrong) return Unexpected{Answer{0, *in.wrong}};

    Result<Request, Answer> request = Request{id, Ping{}};
    const std::string name = in.text("do");
    if (!in.wrong && name == "events") return request_of(id, read_events(unpacked->get()));
    if (!in.wrong && name == "sessions") return request_of(id, read_sessions(unpacked->get()));
    if (!in.wrong && !read_verb(in, name, request->verb)) {
        in.wrong =
            Refused{"unknown_verb",
                    "do must be ping, publish, subscribe, unsubscribe, nodes, topics, events, "
                    "sessions, handle, unhandle, respond, kick or ask"};
    }
    if (in.wrong) return Unexpected{Answer{id, *in.wrong}};
    return request;
}

Result<Answer, std::string> decode_answer(std::string_view bytes) {
    // The list of topics is as long as it is; each item takes at least a byte.
    const auto unpacked = unpack(bytes, bytes.size());
    if (!unpacked) return Unexpected{unpacked.error().text};

    Fields in(unpacked->get());
    const std::uint64_t id = in.number("id");
    const std::string kind = in.text("is");
    if (in.wrong) return Unexpected{in.wrong->text};

    if (kind == "events") return answer_of(id, read_event_batch(unpacked->get()));
    if (kind == "sessions") return answer_of(id, read_session_list(unpacked->get()));
    auto body = read_body(in, kind);
    if (in.wrong) return Unexpected{in.wrong->text};
    if (!body) return Unexpected{std::string("is must be a known kind of answer")};
    return Answer{id, std::move(*body)};
}

}  // namespace roost::control
