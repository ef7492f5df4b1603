#include "proto/control.hpp"

#include <algorithm>
#include <exception>
#include <msgpack.hpp>
#include <optional>
#include <utility>

#include "proto/json.hpp"
#include "proto/limits.hpp"

namespace roost::control {
namespace {

constexpr std::size_t name_bytes_max = 1024;
constexpr std::size_t topics_max = 1000;

// msgpack announces sizes before contents, and the unpacker believes them: what one message can
// make it allocate is bounded by these. Above topics_max, so that "too many" can name its request.
constexpr std::size_t request_items_max = 4096;
constexpr std::size_t keys_max = 256;
constexpr std::size_t depth_max = 8;

class Writer {
public:
    Writer(std::uint32_t keys, std::uint64_t id, std::string_view kind_key, std::string_view kind) {
        map(keys + 2).field("id", id).field(kind_key, kind);
    }

    Writer& map(std::uint32_t keys) {
        packer_.pack_map(keys);
        return *this;
    }
    Writer& array(std::string_view name, std::size_t size) {
        text(name);
        packer_.pack_array(static_cast<std::uint32_t>(size));
        return *this;
    }
    Writer& text(std::string_view value) {
        packer_.pack_str(static_cast<std::uint32_t>(value.size()));
        packer_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
        return *this;
    }
    Writer& field(std::string_view name, std::string_view value) { return text(name).text(value); }
    Writer& field(std::string_view name, std::uint64_t value) {
        text(name);
        packer_.pack(value);
        return *this;
    }
    Writer& payload(std::string_view value, bool is_binary) {
        text("payload");
        if (!is_binary) return text(value);
        packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
        packer_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
        return *this;
    }
    Writer& truth(std::string_view name, bool value) {
        text(name);
        packer_.pack(value);
        return *this;
    }
    std::string bytes() const { return {buffer_.data(), buffer_.size()}; }

private:
    msgpack::sbuffer buffer_;
    msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

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
    std::string operator()(const Events& verb) const { return encode_verb(id, verb); }
    std::string operator()(const Sessions& verb) const { return encode_verb(id, verb); }
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
    std::string operator()(const EventBatch& body) const { return encode_body(id, body); }
    std::string operator()(const SessionList& body) const { return encode_body(id, body); }
};

std::string_view view(const msgpack::object& text) {
    return {text.via.str.ptr, text.via.str.size};
}

// The fields of one map. The first one found wrong is kept, and makes the whole message wrong: a
// reader asks for all it needs, then looks at `wrong` once.
class Fields {
public:
    explicit Fields(const msgpack::object& map) {
        if (map.type == msgpack::type::MAP) {
            map_ = map.via.map;
        } else {
            fail("bad_request", "not a map");
        }
    }

    std::uint64_t number(std::string_view name) {
        const msgpack::object* value =
            need(name, msgpack::type::POSITIVE_INTEGER, "must be an integer of 0 or more");
        return value ? value->via.u64 : 0;
    }
    std::string text(std::string_view name) {
        const msgpack::object* value = need(name, msgpack::type::STR, "must be a string");
        return value ? std::string(view(*value)) : std::string();
    }
    bool truth(std::string_view name) {
        const msgpack::object* value = need(name, msgpack::type::BOOLEAN, "must be true or false");
        return value && value->via.boolean;
    }
    // Text or bytes.
    std::string payload(bool& is_binary) {
        constexpr std::string_view name = "payload";
        const msgpack::object* value = find(name);
        if (!value) {
            fail("bad_request", "payload is missing");
        } else if (value->type == msgpack::type::BIN) {
            is_binary = true;
            return {value->via.bin.ptr, value->via.bin.size};
        } else if (value->type == msgpack::type::STR) {
            return std::string(view(*value));
        } else {
            fail("bad_request", "payload must be a string or bytes");
        }
        return {};
    }
    // Empty if there is none.
    std::string message_id() {
        constexpr std::string_view name = "message_id";
        if (!find(name)) return {};
        std::string value = text(name);
        if (!wrong && (value.empty() || value.size() > limits::message_id_bytes_max)) {
            fail("bad_request", "message_id must be a string of 1 to 128 bytes");
        }
        return value;
    }
    // A topic or an event.
    std::string name(std::string_view name, std::string_view code) {
        std::string value = text(name);
        if (!wrong) check_name(value, name, code);
        return value;
    }
    std::vector<std::string> topics() {
        std::vector<std::string> found;
        const msgpack::object_array items = list("topics");
        if (!wrong && items.size == 0) fail("bad_request", "topics must not be empty");
        if (items.size > topics_max) fail("too_many", "topics has more than 1000 items");
        for (std::uint32_t i = 0; i < items.size && !wrong; ++i) {
            if (items.ptr[i].type != msgpack::type::STR) {
                fail("bad_request", "topics must be strings");
            } else {
                check_name(view(items.ptr[i]), "a topic of topics", "bad_topic");
                found.emplace_back(view(items.ptr[i]));
            }
        }
        return found;
    }
    msgpack::object_array list(std::string_view name) {
        const msgpack::object* value = need(name, msgpack::type::ARRAY, "must be an array");
        return value ? value->via.array : msgpack::object_array{};
    }

    std::optional<Refused> wrong;

private:
    void fail(std::string_view code, std::string text) {
        if (!wrong) wrong = Refused{std::string(code), std::move(text)};
    }
    void check_name(std::string_view value, std::string_view name, std::string_view code) {
        if (value.empty()) fail(code, std::string(name) + " must not be empty");
        if (value.size() > name_bytes_max) fail(code, std::string(name) + " is above 1024 bytes");
        // It ends up in the JSON of a browser, which closes its socket on text that is not UTF-8.
        if (!is_utf8(value)) fail(code, std::string(name) + " must be UTF-8");
    }
    const msgpack::object* find(std::string_view name) const {
        for (std::uint32_t i = 0; i < map_.size; ++i) {
            const msgpack::object& key = map_.ptr[i].key;
            if (key.type == msgpack::type::STR && view(key) == name) return &map_.ptr[i].val;
        }
        return nullptr;
    }
    const msgpack::object* need(std::string_view name, msgpack::type::object_type type,
                                std::string_view rule) {
        const msgpack::object* value = find(name);
        if (value && value->type == type) return value;
        fail("bad_request",
             std::string(name) + ' ' + std::string(value ? rule : std::string_view("is missing")));
        return nullptr;
    }

    msgpack::object_map map_{};
};

// The object's strings point into `bytes`.
Result<msgpack::object_handle, Refused> unpack(std::string_view bytes, std::size_t items_max) {
    const msgpack::unpack_limit limit(items_max, keys_max, bytes.size(), bytes.size(), bytes.size(),
                                      depth_max);
    const auto no_copy = [](msgpack::type::object_type, std::size_t, void*) { return true; };
    try {
        std::size_t used = 0;
        auto handle = msgpack::unpack(bytes.data(), bytes.size(), used, no_copy, nullptr, limit);
        if (used == bytes.size()) return handle;
        return Unexpected{Refused{"bad_request", "bytes after the map"}};
    } catch (const msgpack::array_size_overflow&) {
        return Unexpected{Refused{"too_many", "an array is too long"}};
    } catch (const msgpack::insufficient_bytes&) {
        return Unexpected{Refused{"bad_request", "the message is cut short"}};
    } catch (const std::exception&) {
        return Unexpected{Refused{"bad_request", "not msgpack, or too deep"}};
    }
}

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
    } else if (name == "publish") {
        Publish& publish = verb.emplace<Publish>();
        publish.topic = in.name("topic", "bad_topic");
        publish.event = in.name("event", "bad_request");
        publish.payload = in.payload(publish.is_binary);
        publish.message_id = in.message_id();
    } else {
        return false;
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
                    "do must be ping, publish, subscribe, unsubscribe, nodes, topics, events "
                    "or sessions"};
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
