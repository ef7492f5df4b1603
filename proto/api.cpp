#include "proto/api.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "proto/base64url.hpp"

namespace roost::api {

namespace {

constexpr std::size_t key_chars_min = 16;
constexpr std::string_view json_type = "application/json; charset=utf-8";

std::string_view title_of(unsigned status) {
    switch (status) {
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 411: return "Length Required";
        case 413: return "Content Too Large";
        case 503: return "Service Unavailable";
        default: return "Gateway Timeout";
    }
}

unsigned status_of(std::string_view code) {
    if (code == "too_big" || code == "too_many") return 413;
    if (code == "no_node") return 404;
    if (code == "busy") return 503;
    if (code == "no_answer") return 504;
    return 400;
}

using Digest = std::array<unsigned char, crypto_generichash_BYTES>;

Digest digest_of(std::string_view text) {
    Digest digest{};
    crypto_generichash(digest.data(), digest.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr,
                       0);
    return digest;
}

// The members of one object. The first one found wrong is kept.
struct Reading {
    std::string wrong;

    void fail(std::string text) {
        if (wrong.empty()) wrong = std::move(text);
    }
    std::string text(std::string_view name, std::string_view raw) {
        std::string scratch;
        if (is_json_string(raw)) return std::string(unquote(raw, scratch));
        fail(std::string(name) + " must be a string");
        return {};
    }
    std::optional<SessionId> session(std::string_view name, std::string_view raw) {
        auto session = parse_session(text(name, raw));
        if (!session) {
            fail(std::string(name) +
                 " must be the name of a session, as 0123456789abcdef.0-4294967296");
        }
        return session;
    }
};

struct Fields {
    control::Publish message;
    std::vector<std::string> topics;
    bool has_event = false, has_payload = false;
};

// False if it is no member of a message.
bool read_member(Reading& in, Fields& fields, std::string_view key, std::string_view raw) {
    if (key == "topic") {
        fields.topics.push_back(in.text(key, raw));
    } else if (key == "topics") {
        if (!is_json_array(raw)) in.fail("topics must be an array of strings");
        if (!in.wrong.empty()) return true;
        for_each_element(raw, [&](std::string_view element) {
            fields.topics.push_back(in.text("a topic of topics", element));
            return in.wrong.empty() && fields.topics.size() <= control::messages_max;
        });
    } else if (key == "event") {
        fields.message.event = in.text(key, raw);
        fields.has_event = true;
    } else if (key == "payload") {
        if (!is_json_object(raw)) in.fail("payload must be an object; bytes go into base64");
        fields.message.payload = std::string(raw);
        if (fields.has_payload) in.fail("payload and base64 exclude each other");
        fields.has_payload = true;
    } else if (key == "base64") {
        const auto bytes = from_base64(in.text(key, raw));
        if (!bytes) in.fail("base64 must be bytes in base64, with padding");
        fields.message.payload = bytes.value_or("");
        fields.message.is_binary = true;
        if (fields.has_payload) in.fail("payload and base64 exclude each other");
        fields.has_payload = true;
    } else if (key == "message_id") {
        fields.message.message_id = in.text(key, raw);
        if (fields.message.message_id.empty()) in.fail("message_id must not be empty");
    } else {
        return false;
    }
    return true;
}

void take(Reading& in, Fields fields, control::PublishMany& publish) {
    if (fields.topics.empty()) in.fail("topic is missing");
    if (!fields.has_event) in.fail("event is missing");
    if (!fields.has_payload) in.fail("payload is missing");
    std::size_t bytes = fields.topics.size() * fields.message.payload.size();
    for (const auto& one : publish.messages) bytes += one.payload.size();
    if (bytes > control::messages_bytes_max) {
        in.fail(
            "the payloads of one request have more than 16000000 bytes, each counted once for "
            "each of its topics");
    }
    if (!in.wrong.empty()) return;
    for (auto& topic : fields.topics) {
        if (publish.messages.size() > control::messages_max) return;  // too_many is found later
        fields.message.topic = std::move(topic);
        publish.messages.push_back(fields.message);
    }
}

void read_messages(Reading& in, std::string_view raw, control::PublishMany& publish) {
    if (!is_json_array(raw)) return in.fail("messages must be an array of objects");
    std::size_t place = 0;
    for_each_element(raw, [&](std::string_view element) {
        ++place;
        Reading one;
        Fields fields;
        if (!is_json_object(element)) {
            one.fail("it must be an object");
        } else {
            for_each_member(element, [&](std::string_view key, std::string_view value) {
                if (!read_member(one, fields, key, value)) {
                    one.fail("it has an unknown member: " + std::string(key));
                }
                return one.wrong.empty();
            });
            take(one, std::move(fields), publish);
        }
        if (!one.wrong.empty()) in.fail("message " + std::to_string(place) + ": " + one.wrong);
        return in.wrong.empty() && publish.messages.size() <= control::messages_max;
    });
    if (in.wrong.empty() && publish.messages.empty()) in.fail("messages must not be empty");
}

void read_scope(Reading& in, std::string_view scope, control::PublishMany& publish) {
    if (scope == "local") {
        publish.scope = control::Scope::local;
    } else if (scope == "node") {
        publish.scope = control::Scope::node;
    } else if (scope != "group") {
        in.fail("scope must be group, local or node");
    }
}

// False if it is no member of the whole request.
bool read_whom(Reading& in, control::PublishMany& publish, std::string_view key,
               std::string_view raw) {
    if (key == "to") {
        publish.to = in.session(key, raw);
    } else if (key == "except") {
        publish.except = in.session(key, raw);
    } else if (key == "to_user") {
        publish.to_user = in.text(key, raw);
        if (publish.to_user.empty()) in.fail("to_user must not be empty");
    } else if (key == "scope") {
        read_scope(in, in.text(key, raw), publish);
    } else if (key == "node") {
        publish.node = in.text(key, raw);
    } else {
        return false;
    }
    return true;
}

// The control socket has the last word: lengths, UTF-8, what excludes what.
Result<control::PublishMany, Page> checked(const control::PublishMany& publish) {
    const auto read = control::decode_request(control::encode(control::Request{1, publish}));
    if (read) return std::get<control::PublishMany>(read->verb);
    const auto& refused = std::get<control::Refused>(read.error().body);
    return Unexpected{problem(status_of(refused.code), refused.code, refused.text)};
}

class Json {
public:
    Json& text(std::string_view name, std::string_view value) {
        key(name);
        append_quoted(out_, value);
        return *this;
    }
    Json& raw(std::string_view name, std::string_view value) {
        key(name);
        out_.append(value);
        return *this;
    }
    Json& number(std::string_view name, std::uint64_t value) {
        return raw(name, std::to_string(value));
    }
    Json& truth(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
    std::string end() { return out_ + '}'; }

private:
    void key(std::string_view name) {
        if (out_.size() > 1) out_.push_back(',');
        append_quoted(out_, name);
        out_.push_back(':');
    }
    std::string out_ = "{";
};

template <class Rows, class Write>
std::string list_of(const Rows& rows, Write write) {
    std::string out = "[";
    for (const auto& row : rows) {
        if (out.size() > 1) out.push_back(',');
        out.append(write(row));
    }
    return out + ']';
}

Page ok(std::string body) {
    return {200, std::string(json_type), std::move(body)};
}

std::string json_of(const control::TopicRow& row) {
    return Json().text("topic", row.topic).number("channels", row.channels).end();
}

Page page_of_topics(const control::TopicList& list, std::string_view topic) {
    if (topic.empty()) {
        return ok(
            Json()
                .raw("topics", list_of(list.topics, [](const auto& row) { return json_of(row); }))
                .end());
    }
    for (const auto& row : list.topics) {
        if (row.topic == topic) return ok(json_of(row));
    }
    return problem(404, "no_topic", "no client of this node has joined the topic");
}

Page page_of_published(const control::PublishedMany& published) {
    const auto rows = list_of(published.results, [](const control::PublishedRow& row) {
        Json json;
        json.text("topic", row.topic);
        if (row.position.empty()) {
            json.raw("position", "null");
        } else {
            json.text("position", row.position);
        }
        return json.number("channels", row.channels).truth("duplicate", row.is_duplicate).end();
    });
    return ok(Json().number("peers", published.peers).raw("results", rows).end());
}

Page page_of_nodes(const control::NodeList& list) {
    const auto rows = list_of(list.nodes, [](const control::NodeRow& row) {
        return Json()
            .text("name", row.name)
            .text("incarnation", row.incarnation)
            .text("address", row.address)
            .text("state", row.state)
            .text("reason", row.reason)
            .number("for_ms", row.for_ms)
            .end();
    });
    return ok(Json().raw("nodes", rows).end());
}

}  // namespace

Page problem(unsigned status, std::string_view code, std::string_view detail) {
    return {status, "application/problem+json",
            Json()
                .text("type", "about:blank")
                .text("title", title_of(status))
                .number("status", status)
                .text("detail", detail)
                .text("code", code)
                .end()};
}

Result<std::vector<std::string>, std::string> parse_keys(std::string_view text) {
    std::vector<std::string> keys;
    std::size_t line_number = 0;
    while (!text.empty()) {
        ++line_number;
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const bool is_printable =
            std::all_of(line.begin(), line.end(), [](char c) { return c > ' ' && c <= '~'; });
        if (!is_printable || line.size() < key_chars_min) {
            return Unexpected{"line " + std::to_string(line_number) +
                              ": a key is at least 16 printable characters without blanks, as "
                              "`openssl rand -hex 32` makes it"};
        }
        keys.emplace_back(line);
    }
    if (keys.empty()) return Unexpected{std::string("it holds no key")};
    return keys;
}

bool is_key(const std::vector<std::string>& keys, std::string_view given) {
    const Digest digest = digest_of(given);
    bool is_one = false;
    for (const auto& key : keys) {
        is_one |= sodium_memcmp(digest_of(key).data(), digest.data(), digest.size()) == 0;
    }
    return is_one;
}

Result<control::PublishMany, Page> parse_publish(JsonReader& reader, std::string_view body) {
    const auto value = reader.value(body);
    if (!value || !is_json_object(*value)) {
        return Unexpected{problem(400, "bad_request",
                                  "the body must be a JSON object, as in {\"topic\":\"room:1\","
                                  "\"event\":\"news\",\"payload\":{}}")};
    }
    control::PublishMany publish;
    Reading in;
    Fields fields;
    bool has_one = false;
    std::optional<std::string_view> messages;
    for_each_member(*value, [&](std::string_view key, std::string_view raw) {
        if (key == "messages") {
            messages = raw;
        } else if (read_member(in, fields, key, raw)) {
            has_one = true;
        } else if (!read_whom(in, publish, key, raw)) {
            in.fail("unknown member: " + std::string(key));
        }
        return in.wrong.empty();
    });
    if (messages && has_one) {
        in.fail("messages excludes topic, topics, event, payload, base64 and message_id beside it");
    } else if (messages) {
        read_messages(in, *messages, publish);
    } else if (in.wrong.empty()) {
        take(in, std::move(fields), publish);
    }
    if (!publish.node.empty() && publish.scope != control::Scope::node) {
        in.fail("node goes with \"scope\":\"node\"");
    }
    if (!in.wrong.empty()) return Unexpected{problem(400, "bad_request", in.wrong)};
    return checked(publish);
}

Result<control::PublishMany, Page> publish_bytes(std::string_view topic, std::string_view event,
                                                 std::string_view body) {
    control::PublishMany publish;
    publish.messages.push_back(
        {std::string(topic), std::string(event), std::string(body), {}, true});
    return checked(publish);
}

Page page_of(const control::Answer& answer, std::string_view topic) {
    if (const auto* published = std::get_if<control::PublishedMany>(&answer.body)) {
        return page_of_published(*published);
    }
    if (const auto* topics = std::get_if<control::TopicList>(&answer.body)) {
        return page_of_topics(*topics, topic);
    }
    if (const auto* nodes = std::get_if<control::NodeList>(&answer.body)) {
        return page_of_nodes(*nodes);
    }
    if (const auto* kicked = std::get_if<control::Kicked>(&answer.body)) {
        if (kicked->was_there) return ok(R"({"kicked":true})");
        return problem(404, "no_session", "no connection of the group has this name any more");
    }
    if (const auto* refused = std::get_if<control::Refused>(&answer.body)) {
        return problem(status_of(refused->code), refused->code, refused->text);
    }
    return problem(503, "busy", "the node cannot answer this");
}

}  // namespace roost::api
