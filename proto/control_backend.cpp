#include "proto/control_backend.hpp"

#include <utility>

#include "proto/topic_pattern.hpp"

namespace roost::control {

namespace {

constexpr std::size_t patterns_max = 100;
constexpr std::uint64_t credit_max = 10'000;
constexpr std::size_t headers_max = 100;

// How many of these keys are written: those with something in them.
template <class... Texts>
std::uint32_t filled(const Texts&... texts) {
    return static_cast<std::uint32_t>((0 + ... + (texts.empty() ? 0 : 1)));
}

void write_if_any(Writer& out, std::string_view name, std::string_view value) {
    if (!value.empty()) out.field(name, value);
}

void write_action(Writer& out, const backend::Action& action) {
    const bool is_message = action.kind <= backend::Action::Kind::push;
    out.map(1 + filled(action.topic) + (is_message ? 2 : 0)).field("do", name_of(action.kind));
    write_if_any(out, "topic", action.topic);
    if (is_message) out.field("event", action.event).payload(action.payload, action.is_binary);
}

void read_patterns(Fields& in, Handle& handle) {
    const auto items = in.list("patterns");
    if (!in.wrong && items.size == 0) in.fail("bad_request", "patterns must not be empty");
    if (items.size > patterns_max) in.fail("too_many", "patterns has more than 100 items");
    for (std::uint32_t i = 0; i < items.size && !in.wrong; ++i) {
        const bool is_text = items.ptr[i].type == msgpack::type::STR;
        const auto pattern = is_text ? view(items.ptr[i]) : std::string_view();
        if (pattern.empty() || pattern.size() > name_bytes_max || !is_utf8(pattern) ||
            !is_topic_pattern(pattern)) {
            in.fail("bad_request",
                    "patterns must be topics, or prefixes that end in *, of at most 1024 bytes");
        }
        handle.patterns.emplace_back(pattern);
    }
}

void read_kinds(Fields& in, Handle& handle) {
    if (!in.has("kinds")) {
        handle.kinds = {backend::Kind::join, backend::Kind::push};
        return;
    }
    const auto items = in.list("kinds");
    for (std::uint32_t i = 0; i < items.size && !in.wrong; ++i) {
        const bool is_text = items.ptr[i].type == msgpack::type::STR;
        const auto kind = is_text ? backend::parse_kind(view(items.ptr[i])) : std::nullopt;
        if (kind) {
            handle.kinds.push_back(*kind);
        } else {
            in.fail("bad_request", "kinds must be of connect, join and push");
        }
    }
    if (handle.kinds.empty()) in.fail("bad_request", "kinds must not be empty");
    if (handle.kinds.size() > backend::kinds) in.fail("too_many", "kinds has more than 3 items");
}

backend::Action read_action(Fields& in) {
    backend::Action action;
    const auto name = in.text("do");
    const auto kind = backend::parse_action(name);
    if (!kind) {
        in.fail("bad_request",
                "do of an action must be broadcast, others, push, leave or disconnect");
        return action;
    }
    action.kind = *kind;
    action.topic = in.text_or_none("topic");
    if (*kind > backend::Action::Kind::push) return action;
    action.event = in.text("event");
    action.payload = in.has("payload") ? in.payload(action.is_binary) : "{}";
    return action;
}

void read_response(Fields& in, backend::Response& response) {
    if (in.has("status")) response.status = in.text("status");
    if (in.has("payload")) response.payload = in.payload(response.is_binary);
    if (in.has("crash")) response.is_crash = in.truth("crash");
    if (in.has("user")) response.user = in.text("user");
    if (in.has("data")) response.data = in.text("data");
    if (!in.has("actions")) return;
    const auto items = in.list("actions");
    if (items.size > backend::actions_max) {
        in.fail("too_many", "actions has more than 100 items");
    }
    for (std::uint32_t i = 0; i < items.size && !in.wrong; ++i) {
        Fields fields(items.ptr[i]);
        response.actions.push_back(read_action(fields));
        in.wrong = fields.wrong;
    }
}

}  // namespace

std::string encode_verb(std::uint64_t id, const Handle& verb) {
    Writer out(3, id, "do", "handle");
    out.array("patterns", verb.patterns.size());
    for (const auto& pattern : verb.patterns) out.text(pattern);
    out.array("kinds", verb.kinds.size());
    for (const auto kind : verb.kinds) out.text(name_of(kind));
    return out.field("credit", verb.credit).bytes();
}

std::string encode_verb(std::uint64_t id, const Unhandle& verb) {
    return Writer(1, id, "do", "unhandle").field("handler", verb.handler).bytes();
}

std::string encode_verb(std::uint64_t id, const Respond& verb) {
    const backend::Response& response = verb.response;
    const std::uint32_t keys = 3U + (response.is_crash ? 1U : 0U) + (response.user ? 1U : 0U) +
                               (response.data ? 1U : 0U) + filled(response.actions);
    Writer out(keys, id, "do", "respond");
    out.field("request", verb.request).field("status", response.status);
    out.payload(response.payload, response.is_binary);
    if (response.is_crash) out.truth("crash", true);
    if (response.user) out.field("user", *response.user);
    if (response.data) out.field("data", *response.data);
    if (response.actions.empty()) return out.bytes();
    out.array("actions", response.actions.size());
    for (const auto& action : response.actions) write_action(out, action);
    return out.bytes();
}

std::string encode_verb(std::uint64_t id, const Ask& verb) {
    Writer out(3 + filled(verb.user), id, "do", "ask");
    out.field("topic", verb.topic).field("event", verb.event);
    out.payload(verb.payload, verb.is_binary);
    write_if_any(out, "user", verb.user);
    return out.bytes();
}

std::string encode_body(std::uint64_t id, const Replied& body) {
    Writer out(2, id, "is", "replied");
    return out.field("status", body.status).payload(body.payload, body.is_binary).bytes();
}

std::string encode_body(std::uint64_t id, const Asked& body) {
    const backend::Request& about = body.about;
    const std::uint32_t keys = 5 + filled(about.user, about.data, about.address, about.headers,
                                          about.topic, about.event, about.ref);
    Writer out(keys, id, "is", "request");
    out.field("request", body.request).field("kind", name_of(about.kind));
    out.field("deadline_ms", about.deadline_ms).field("session", about.session);
    out.payload(about.payload, about.is_binary);
    write_if_any(out, "user", about.user);
    write_if_any(out, "data", about.data);
    write_if_any(out, "address", about.address);
    write_if_any(out, "topic", about.topic);
    write_if_any(out, "event", about.event);
    write_if_any(out, "ref", about.ref);
    if (about.headers.empty()) return out.bytes();
    out.array("headers", about.headers.size());
    for (const auto& [name, value] : about.headers) {
        out.map(2).field("name", name).field("value", value);
    }
    return out.bytes();
}

bool read_backend_verb(Fields& in, std::string_view name, decltype(Request::verb)& verb) {
    if (name == "handle") {
        Handle& handle = verb.emplace<Handle>();
        read_patterns(in, handle);
        read_kinds(in, handle);
        if (in.has("credit")) handle.credit = in.number("credit");
        if (handle.credit < 1 || handle.credit > credit_max) {
            in.fail("bad_request", "credit must be a number from 1 to 10000");
        }
    } else if (name == "unhandle") {
        verb.emplace<Unhandle>().handler = in.number("handler");
    } else if (name == "respond") {
        Respond& respond = verb.emplace<Respond>();
        respond.request = in.number("request");
        if (in.wrong) return true;
        read_response(in, respond.response);
        // The request is known: it has failed, and does not wait for its deadline.
        if (in.wrong) respond.objection = std::exchange(in.wrong, std::nullopt)->text;
    } else if (name == "ask") {
        Ask& ask = verb.emplace<Ask>();
        ask.topic = in.name("topic", "bad_topic");
        ask.event = in.name("event", "bad_request");
        ask.payload = in.payload(ask.is_binary);
        ask.user = in.text_or_none("user");
    } else {
        return false;
    }
    return true;
}

Asked read_asked(Fields& in) {
    Asked asked;
    asked.request = in.number("request");
    backend::Request& about = asked.about;
    const auto kind = backend::parse_kind(in.text("kind"));
    if (!kind) in.fail("bad_request", "kind must be connect, join or push");
    about.kind = kind.value_or(backend::Kind::push);
    about.deadline_ms = in.number("deadline_ms");
    about.session = in.text("session");
    about.payload = in.payload(about.is_binary);
    about.user = in.text_or_none("user");
    about.data = in.text_or_none("data");
    about.address = in.text_or_none("address");
    about.topic = in.text_or_none("topic");
    about.event = in.text_or_none("event");
    about.ref = in.text_or_none("ref");
    if (!in.has("headers")) return asked;
    const auto items = in.list("headers");
    if (items.size > headers_max) in.fail("too_many", "headers has more than 100 items");
    for (std::uint32_t i = 0; i < items.size && !in.wrong; ++i) {
        Fields header(items.ptr[i]);
        about.headers.emplace_back(header.text("name"), header.text("value"));
        in.wrong = header.wrong;
    }
    return asked;
}

}  // namespace roost::control
