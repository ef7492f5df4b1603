#include "proto/control_publish.hpp"

namespace roost::control {

namespace {

std::string_view name_of(Scope scope) {
    switch (scope) {
        case Scope::group: return "group";
        case Scope::local: return "local";
        case Scope::node: break;
    }
    return "node";
}

bool is_plain(const Fields& in) {
    for (const auto key : {"messages", "topics", "to", "except", "to_user", "scope"}) {
        if (in.has(key)) return false;
    }
    return true;
}

std::optional<SessionId> read_session(Fields& in, std::string_view name) {
    if (!in.has(name)) return std::nullopt;
    const auto session = parse_session(in.text(name));
    if (!session) {
        in.fail("bad_request", std::string(name) +
                                   " must be the name of a session, as "
                                   "0123456789abcdef.0-4294967296");
    }
    return session;
}

// The message of a map: one for each of its topics.
void read_messages(Fields& in, std::vector<Publish>& messages) {
    Publish message;
    std::vector<std::string> topics;
    if (in.has("topics")) {
        topics = in.topics();
        if (in.has("topic")) in.fail("bad_request", "topic and topics exclude each other");
    } else {
        topics.push_back(in.name("topic", "bad_topic"));
    }
    message.event = in.name("event", "bad_request");
    message.payload = in.payload(message.is_binary);
    message.message_id = in.message_id();
    if (in.wrong) return;
    if (messages.size() + topics.size() > messages_max) {
        return in.fail("too_many", "more than 1000 messages in one request");
    }
    std::size_t bytes = topics.size() * message.payload.size();
    for (const auto& one : messages) bytes += one.payload.size();
    if (bytes > messages_bytes_max) {
        return in.fail("too_big",
                       "the payloads of one request have more than 16000000 bytes, each "
                       "counted once for each of its topics");
    }
    for (auto& topic : topics) {
        message.topic = std::move(topic);
        messages.push_back(message);
    }
}

void read_scope(Fields& in, PublishMany& publish) {
    if (!in.has("scope")) return;
    const auto scope = in.text("scope");
    if (scope == "local") {
        publish.scope = Scope::local;
    } else if (scope == "node") {
        publish.scope = Scope::node;
        publish.node = in.text("node");
        if (publish.node.empty()) in.fail("bad_request", "node must be the name of a node");
    } else if (scope != "group") {
        in.fail("bad_request", "scope must be group, local or node");
    }
}

void check_whom(Fields& in, const PublishMany& publish) {
    if (publish.to && !publish.to_user.empty()) {
        in.fail("bad_request", "to and to_user exclude each other");
    }
    if (publish.to && (publish.except || publish.scope != Scope::group)) {
        in.fail("bad_request", "to names one session: it goes without except and scope");
    }
    if (publish.is_numbered()) return;
    for (const Publish& message : publish.messages) {
        if (message.message_id.empty()) continue;
        return in.fail("bad_request", "message_id is for messages to all the group");
    }
}

void read_publish(Fields& in, PublishMany& publish) {
    publish.to = read_session(in, "to");
    publish.except = read_session(in, "except");
    if (in.has("to_user")) {
        publish.to_user = in.text("to_user");
        if (publish.to_user.empty()) in.fail("bad_request", "to_user must not be empty");
    }
    read_scope(in, publish);
    if (!in.has("messages")) {
        read_messages(in, publish.messages);
    } else {
        const auto items = in.list("messages");
        if (items.size == 0) in.fail("bad_request", "messages must not be empty");
        for (std::uint32_t i = 0; i < items.size && !in.wrong; ++i) {
            Fields one(items.ptr[i]);
            read_messages(one, publish.messages);
            if (one.wrong) {
                in.fail(one.wrong->code, "message " + std::to_string(i + 1) + " of " +
                                             std::to_string(items.size) + ": " + one.wrong->text);
            }
        }
    }
    check_whom(in, publish);
}

}  // namespace

std::string encode_verb(std::uint64_t id, const PublishMany& verb) {
    const std::uint32_t keys = 2U + (verb.to ? 1U : 0U) + (verb.except ? 1U : 0U) +
                               (verb.to_user.empty() ? 0U : 1U) +
                               (verb.scope == Scope::node ? 1U : 0U);
    Writer out(keys, id, "do", "publish");
    if (verb.to) out.field("to", text_of(*verb.to));
    if (verb.except) out.field("except", text_of(*verb.except));
    if (!verb.to_user.empty()) out.field("to_user", verb.to_user);
    out.field("scope", name_of(verb.scope));
    if (verb.scope == Scope::node) out.field("node", verb.node);
    out.array("messages", verb.messages.size());
    for (const Publish& message : verb.messages) {
        out.map(message.message_id.empty() ? 3 : 4);
        out.field("topic", message.topic).field("event", message.event);
        out.payload(message.payload, message.is_binary);
        if (!message.message_id.empty()) out.field("message_id", message.message_id);
    }
    return out.bytes();
}

std::string encode_verb(std::uint64_t id, const Kick& verb) {
    return Writer(2, id, "do", "kick")
        .field("session", text_of(verb.session))
        .truth("final", verb.is_final)
        .bytes();
}

std::string encode_body(std::uint64_t id, const PublishedMany& body) {
    Writer out(2, id, "is", "published");
    out.field("peers", body.peers).array("results", body.results.size());
    for (const PublishedRow& row : body.results) {
        out.map(4)
            .field("topic", row.topic)
            .field("position", row.position)
            .field("channels", row.channels)
            .truth("duplicate", row.is_duplicate);
    }
    return out.bytes();
}

bool read_publish_verb(Fields& in, std::string_view name, decltype(Request::verb)& verb) {
    if (name == "kick") {
        Kick& kick = verb.emplace<Kick>();
        if (!in.has("session")) in.fail("bad_request", "session is missing");
        if (const auto session = read_session(in, "session")) kick.session = *session;
        kick.is_final = in.has("final") && in.truth("final");
        return true;
    }
    if (name != "publish") return false;
    if (!is_plain(in)) {
        read_publish(in, verb.emplace<PublishMany>());
        return true;
    }
    Publish& publish = verb.emplace<Publish>();
    publish.topic = in.name("topic", "bad_topic");
    publish.event = in.name("event", "bad_request");
    publish.payload = in.payload(publish.is_binary);
    publish.message_id = in.message_id();
    return true;
}

PublishedMany read_published(Fields& in) {
    PublishedMany published;
    published.peers = in.number("peers");
    const auto items = in.list("results");
    for (std::uint32_t i = 0; i < items.size && !in.wrong; ++i) {
        Fields row(items.ptr[i]);
        published.results.push_back({row.text("topic"), row.text("position"),
                                     row.number("channels"), row.truth("duplicate")});
        in.wrong = row.wrong;
    }
    return published;
}

}  // namespace roost::control
