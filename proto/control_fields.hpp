// control_fields: how the codecs of the control socket write a map of msgpack, and read one.
//
// For the files control*.cpp. Reading never throws: the first field found wrong is kept.
#pragma once

#include <cstdint>
#include <exception>
#include <msgpack.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/control.hpp"
#include "proto/json.hpp"
#include "proto/limits.hpp"

namespace roost::control {

inline constexpr std::size_t name_bytes_max = 1024;
inline constexpr std::size_t topics_max = 1000;

// msgpack announces sizes before contents, and the unpacker believes them: what one message can
// make it allocate is bounded by these. Above topics_max, so that "too many" can name its request.
inline constexpr std::size_t request_items_max = 4096;
inline constexpr std::size_t keys_max = 256;
inline constexpr std::size_t depth_max = 8;

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

inline std::string_view view(const msgpack::object& text) {
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
    bool has(std::string_view name) const { return find(name) != nullptr; }
    // The bytes of a string, or none.
    std::string text_or_none(std::string_view name) { return has(name) ? text(name) : ""; }
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

    void fail(std::string_view code, std::string text) {
        if (!wrong) wrong = Refused{std::string(code), std::move(text)};
    }

    std::optional<Refused> wrong;

private:
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
inline Result<msgpack::object_handle, Refused> unpack(std::string_view bytes,
                                                      std::size_t items_max) {
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

}  // namespace roost::control
