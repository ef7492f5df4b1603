#include "proto/control_events.hpp"

#include <string_view>

namespace roost::control {
namespace {

constexpr std::size_t name_bytes_max = 1024;

// Fields that are empty are left out.
class FieldWriter {
public:
    void map(std::size_t keys) { packer_.pack_map(static_cast<std::uint32_t>(keys)); }
    void array(std::string_view name, std::size_t size) {
        text(name);
        packer_.pack_array(static_cast<std::uint32_t>(size));
    }
    void text(std::string_view value) {
        packer_.pack_str(static_cast<std::uint32_t>(value.size()));
        packer_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
    }
    void field(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        text(name);
        text(value);
    }
    void number(std::string_view name, std::uint64_t value) {
        text(name);
        packer_.pack(value);
    }
    void truth(std::string_view name, bool value) {
        text(name);
        packer_.pack(value);
    }
    std::string bytes() const { return {buffer_.data(), buffer_.size()}; }

private:
    msgpack::sbuffer buffer_;
    msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

void write(FieldWriter& out, const Event& event) {
    std::size_t keys = event.join == 0 ? 3 : 4;
    for (const auto* text :
         {&event.session, &event.user, &event.address, &event.topic, &event.reason}) {
        if (!text->empty()) ++keys;
    }
    out.map(keys);
    out.number("n", event.number);
    out.field("event", event.kind);
    out.field("session", event.session);
    out.field("user", event.user);
    out.field("address", event.address);
    out.field("topic", event.topic);
    if (event.join != 0) out.number("join", event.join);
    out.field("reason", event.reason);
    out.number("ago_ms", event.ago_ms);
}

void write(FieldWriter& out, const SessionRow& row) {
    out.map(3U + (row.user.empty() ? 0U : 1U) + (row.address.empty() ? 0U : 1U));
    out.field("session", row.session);
    out.field("user", row.user);
    out.field("address", row.address);
    out.number("for_ms", row.for_ms);
    out.array("channels", row.channels.size());
    for (const auto& channel : row.channels) {
        out.map(2);
        out.field("topic", channel.topic);
        out.number("join", channel.join);
    }
}

// The first key found wrong is kept; a reader asks for all it needs, then looks at `wrong` once.
class FieldReader {
public:
    explicit FieldReader(const msgpack::object& map) {
        if (map.type == msgpack::type::MAP) {
            map_ = map.via.map;
        } else {
            wrong = "not a map";
        }
    }
    std::string text(std::string_view name, bool is_needed = false) {
        const auto* value = find(name, is_needed);
        if (!value) return {};
        if (value->type == msgpack::type::STR) return {value->via.str.ptr, value->via.str.size};
        fail(name, "must be a string");
        return {};
    }
    std::uint64_t number(std::string_view name, std::uint64_t otherwise, bool is_needed = false) {
        const auto* value = find(name, is_needed);
        if (!value) return otherwise;
        if (value->type == msgpack::type::POSITIVE_INTEGER) return value->via.u64;
        fail(name, "must be an integer of 0 or more");
        return otherwise;
    }
    bool truth(std::string_view name) {
        const auto* value = find(name, true);
        if (value && value->type == msgpack::type::BOOLEAN) return value->via.boolean;
        fail(name, "must be true or false");
        return false;
    }
    template <class Read>
    void for_each(std::string_view name, Read read) {
        const auto* value = find(name, true);
        if (!value) return;
        if (value->type != msgpack::type::ARRAY) return fail(name, "must be an array");
        for (std::uint32_t i = 0; i < value->via.array.size && wrong.empty(); ++i) {
            FieldReader item(value->via.array.ptr[i]);
            read(item);
            wrong = item.wrong;
        }
    }
    void fail(std::string_view name, std::string_view rule) {
        if (wrong.empty()) wrong = std::string(name) + ' ' + std::string(rule);
    }

    std::string wrong;

private:
    const msgpack::object* find(std::string_view name, bool is_needed) {
        for (std::uint32_t i = 0; i < map_.size; ++i) {
            const msgpack::object& key = map_.ptr[i].key;
            if (key.type != msgpack::type::STR) continue;
            if (std::string_view(key.via.str.ptr, key.via.str.size) == name)
                return &map_.ptr[i].val;
        }
        if (is_needed) fail(name, "is missing");
        return nullptr;
    }

    msgpack::object_map map_{};
};

template <class T>
Result<T, std::string> read_or_wrong(const FieldReader& in, T value) {
    if (!in.wrong.empty()) return Unexpected{in.wrong};
    return value;
}

}  // namespace

std::string encode_verb(std::uint64_t id, const Events& verb) {
    FieldWriter out;
    out.map(verb.after.empty() ? 4 : 5);
    out.number("id", id);
    out.field("do", "events");
    out.field("after", verb.after);
    out.number("limit", verb.limit);
    out.number("wait_ms", verb.wait_ms);
    return out.bytes();
}

std::string encode_verb(std::uint64_t id, const Sessions& verb) {
    FieldWriter out;
    out.map(2U + (verb.after.empty() ? 0U : 1U) + (verb.user.empty() ? 0U : 1U));
    out.number("id", id);
    out.field("do", "sessions");
    out.field("after", verb.after);
    out.field("user", verb.user);
    return out.bytes();
}

std::string encode_body(std::uint64_t id, const EventBatch& body) {
    FieldWriter out;
    out.map(5);
    out.number("id", id);
    out.field("is", "events");
    out.field("cursor", body.cursor);
    out.truth("gap", body.is_gap);
    out.array("events", body.events.size());
    for (const Event& event : body.events) write(out, event);
    return out.bytes();
}

std::string encode_body(std::uint64_t id, const SessionList& body) {
    FieldWriter out;
    out.map(6);
    out.number("id", id);
    out.field("is", "sessions");
    out.field("node", body.node);
    out.field("cursor", body.cursor);
    out.truth("more", body.has_more);
    out.array("sessions", body.sessions.size());
    for (const SessionRow& row : body.sessions) write(out, row);
    return out.bytes();
}

Result<Events, std::string> read_events(const msgpack::object& map) {
    FieldReader in(map);
    Events verb;
    verb.after = in.text("after");
    verb.limit = in.number("limit", verb.limit);
    verb.wait_ms = in.number("wait_ms", verb.wait_ms);
    if (verb.limit == 0 || verb.limit > events_an_answer_max) {
        in.fail("limit", "must be 1 to 1000");
    }
    if (verb.wait_ms > events_wait_ms_max) in.fail("wait_ms", "must be at most 15000");
    return read_or_wrong(in, std::move(verb));
}

Result<Sessions, std::string> read_sessions(const msgpack::object& map) {
    FieldReader in(map);
    Sessions verb{in.text("after"), in.text("user")};
    if (verb.user.size() > name_bytes_max) in.fail("user", "is above 1024 bytes");
    return read_or_wrong(in, std::move(verb));
}

Result<EventBatch, std::string> read_event_batch(const msgpack::object& map) {
    FieldReader in(map);
    EventBatch batch;
    batch.cursor = in.text("cursor", true);
    batch.is_gap = in.truth("gap");
    in.for_each("events", [&](FieldReader& item) {
        Event event;
        event.number = item.number("n", 0, true);
        event.kind = item.text("event", true);
        event.session = item.text("session");
        event.user = item.text("user");
        event.address = item.text("address");
        event.topic = item.text("topic");
        event.reason = item.text("reason");
        event.join = item.number("join", 0);
        event.ago_ms = item.number("ago_ms", 0);
        batch.events.push_back(std::move(event));
    });
    return read_or_wrong(in, std::move(batch));
}

Result<SessionList, std::string> read_session_list(const msgpack::object& map) {
    FieldReader in(map);
    SessionList list;
    list.node = in.text("node", true);
    list.cursor = in.text("cursor", true);
    list.has_more = in.truth("more");
    in.for_each("sessions", [&](FieldReader& item) {
        SessionRow row;
        row.session = item.text("session", true);
        row.user = item.text("user");
        row.address = item.text("address");
        row.for_ms = item.number("for_ms", 0);
        item.for_each("channels", [&](FieldReader& channel) {
            row.channels.push_back({channel.text("topic", true), channel.number("join", 0)});
        });
        list.sessions.push_back(std::move(row));
    });
    return read_or_wrong(in, std::move(list));
}

}  // namespace roost::control
