#include "proto/json.hpp"

#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <set>

namespace roost {

namespace ondemand = simdjson::ondemand;

struct JsonReader::Impl {
    std::size_t depth_max;
    ondemand::parser parser;
    std::string padded;

    simdjson::error_code walk(ondemand::value value, std::size_t depth);
    simdjson::error_code walk_array(ondemand::array array, std::size_t depth, std::size_t& size);
    simdjson::error_code walk_object(ondemand::object object, std::size_t depth);
    simdjson::simdjson_result<ondemand::document> open(std::string_view text);
};

simdjson::error_code JsonReader::Impl::walk_array(ondemand::array array, std::size_t depth,
                                                  std::size_t& size) {
    for (auto element : array) {
        ondemand::value value;
        if (auto error = element.get(value)) return error;
        if (auto error = walk(value, depth)) return error;
        ++size;
    }
    return simdjson::SUCCESS;
}

simdjson::error_code JsonReader::Impl::walk_object(ondemand::object object, std::size_t depth) {
    for (auto entry : object) {
        ondemand::field field;
        if (auto error = std::move(entry).get(field)) return error;
        std::string_view key;
        if (auto error = field.unescaped_key().get(key)) return error;
        if (auto error = walk(field.value(), depth)) return error;
    }
    return simdjson::SUCCESS;
}

simdjson::error_code JsonReader::Impl::walk(ondemand::value value, std::size_t depth) {
    ondemand::json_type type;
    if (auto error = value.type().get(type)) return error;
    switch (type) {
        case ondemand::json_type::array: {
            if (depth == 0) return simdjson::DEPTH_ERROR;
            ondemand::array array;
            if (auto error = value.get_array().get(array)) return error;
            std::size_t size = 0;
            return walk_array(array, depth - 1, size);
        }
        case ondemand::json_type::object: {
            if (depth == 0) return simdjson::DEPTH_ERROR;
            ondemand::object object;
            if (auto error = value.get_object().get(object)) return error;
            return walk_object(object, depth - 1);
        }
        case ondemand::json_type::number: {
            double number = 0;
            return value.get_double().get(number);
        }
        case ondemand::json_type::string: {
            std::string_view text;
            return value.get_string().get(text);
        }
        case ondemand::json_type::boolean: {
            bool truth = false;
            return value.get_bool().get(truth);
        }
        case ondemand::json_type::null: {
            bool truth = false;
            if (auto error = simdjson::simdjson_result<bool>(value.is_null()).get(truth))
                return error;
            return truth ? simdjson::SUCCESS : simdjson::N_ATOM_ERROR;
        }
    }
    return simdjson::TAPE_ERROR;
}

simdjson::simdjson_result<ondemand::document> JsonReader::Impl::open(std::string_view text) {
    padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(text);
    return parser.iterate(padded.data(), padded.size(), padded.capacity());
}

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

JsonError error_of(simdjson::error_code code) {
    if (code == simdjson::UTF8_ERROR) return JsonError::not_utf8;
    if (code == simdjson::DEPTH_ERROR) return JsonError::too_deep;
    if (code == simdjson::INCORRECT_TYPE) return JsonError::not_an_array;
    return JsonError::not_json;
}

// The end of the value that begins at `at`, in a text that is known to be valid JSON.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    std::size_t depth = 0;
    bool in_string = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\') {
                ++at;
            } else if (c == '"') {
                in_string = false;
                if (depth == 0) return at + 1;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if (c == ']' || c == '}') {
            if (depth == 0) return at;
            if (--depth == 0) return at + 1;
        } else if (depth == 0 && (c == ',' || is_space(c))) {
            return at;
        }
    }
    return at;
}

JsonArray cut(std::string_view text, std::size_t size) {
    JsonArray array;
    array.size = size;
    std::size_t at = text.find('[') + 1;
    const std::size_t kept = std::min(size, JsonArray::kept_max);
    for (std::size_t i = 0; i < kept; ++i) {
        while (is_space(text[at]) || text[at] == ',') ++at;
        std::size_t end = 0;
        if (i + 1 == size && size == JsonArray::kept_max) {
            // The last element reaches to the closing bracket: no need to scan a payload twice.
            end = text.rfind(']');
            while (is_space(text[end - 1])) --end;
        } else {
            end = end_of_value(text, at);
        }
        array.elements[i] = text.substr(at, end - at);
        at = end;
    }
    return array;
}

}  // namespace

JsonReader::JsonReader(std::size_t depth_max) : impl_(std::make_unique<Impl>()) {
    impl_->depth_max = depth_max;
}
JsonReader::~JsonReader() = default;

Result<JsonArray, JsonError> JsonReader::slice_array(std::string_view text) {
    return slice(text, impl_->depth_max - 1);
}

Result<JsonArray, JsonError> JsonReader::slice(std::string_view text, std::size_t depth) {
    ondemand::document document;
    if (auto error = impl_->open(text).get(document)) return Unexpected{error_of(error)};
    ondemand::array array;
    if (auto error = document.get_array().get(array)) return Unexpected{error_of(error)};
    std::size_t size = 0;
    const auto error = impl_->walk_array(array, depth, size);
    if (error) {
        const auto reason = error_of(error);
        return Unexpected{reason == JsonError::not_an_array ? JsonError::not_json : reason};
    }
    // Past the last token there is no location: one that exists is something behind the array.
    if (!document.current_location().error()) return Unexpected{JsonError::not_json};
    return cut(impl_->padded, size);
}

Result<std::string_view, JsonError> JsonReader::value(std::string_view text) {
    // A scalar at the root has its own rules in simdjson: inside an array all values are alike.
    std::string wrapped;
    wrapped.reserve(text.size() + 2);
    wrapped.append("[").append(text).append("]");
    const auto array = slice(wrapped, impl_->depth_max);
    if (!array) return Unexpected{array.error()};
    if (array->size != 1) return Unexpected{JsonError::not_json};
    return array->elements[0];
}

bool is_utf8(std::string_view text) {
    return simdjson::validate_utf8(text);
}

namespace {

constexpr std::string_view spaces = " \t\n\r";

std::uint32_t hex4(std::string_view digits) {
    std::uint32_t value = 0;
    for (const char c : digits) {
        const auto digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return value;
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t bits) { out.push_back(static_cast<char>(bits)); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F));
        byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
    }
}

// Reads the escape after a backslash at `at`; returns the place behind it.
std::size_t append_escape(std::string& out, std::string_view text, std::size_t at) {
    switch (text[at]) {
        case 'b': out.push_back('\b'); return at + 1;
        case 'f': out.push_back('\f'); return at + 1;
        case 'n': out.push_back('\n'); return at + 1;
        case 'r': out.push_back('\r'); return at + 1;
        case 't': out.push_back('\t'); return at + 1;
        case 'u': break;
        default: out.push_back(text[at]); return at + 1;
    }
    std::uint32_t code = hex4(text.substr(at + 1, 4));
    at += 5;
    if (code >= 0xD800 && code < 0xDC00 && at + 6 <= text.size()) {
        code = 0x10000 + ((code - 0xD800) << 10) + (hex4(text.substr(at + 2, 4)) - 0xDC00);
        at += 6;
    }
    append_utf8(out, code);
    return at;
}

}  // namespace

std::string_view trim_json(std::string_view text) {
    const auto first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

void for_each_member(std::string_view raw,
                     const std::function<bool(std::string_view, std::string_view)>& visit) {
    std::string scratch;
    std::size_t at = 1;
    const auto skip = [&](char separator) {
        while (is_space(raw[at]) || raw[at] == separator) ++at;
    };
    for (skip(','); raw[at] != '}'; skip(',')) {
        const std::size_t key_end = end_of_value(raw, at);
        const auto key = unquote(raw.substr(at, key_end - at), scratch);
        at = key_end;
        skip(':');
        const std::size_t end = end_of_value(raw, at);
        if (!visit(key, raw.substr(at, end - at))) return;
        at = end;
    }
}

void for_each_element(std::string_view raw, const std::function<bool(std::string_view)>& visit) {
    std::size_t at = 1;
    const auto skip = [&] {
        while (is_space(raw[at]) || raw[at] == ',') ++at;
    };
    for (skip(); raw[at] != ']'; skip()) {
        const std::size_t end = end_of_value(raw, at);
        if (!visit(raw.substr(at, end - at))) return;
        at = end;
    }
}

bool has_unique_names(std::string_view raw_object) {
    std::set<std::string, std::less<>> names;
    bool is_unique = true;
    for_each_member(raw_object, [&](std::string_view name, std::string_view) {
        is_unique = names.emplace(name).second;
        return is_unique;
    });
    return is_unique;
}

std::optional<std::string_view> member(std::string_view raw_object, std::string_view name) {
    std::optional<std::string_view> found;
    // Most have it not, and it is asked of every push: neither as it is nor, without a \u, in
    // another spelling. Only the characters that have an escape of their own need none.
    constexpr auto nowhere = std::string_view::npos;
    const bool is_plain = name.find_first_of("\"\\/\b\f\n\r\t") == nowhere;
    if (is_plain && raw_object.find(name) == nowhere && raw_object.find("\\u") == nowhere) {
        return found;
    }
    for_each_member(raw_object, [&](std::string_view key, std::string_view value) {
        if (key == name) found = value;
        return true;
    });
    return found;
}

std::string_view unquote(std::string_view raw, std::string& scratch) {
    const auto inner = raw.substr(1, raw.size() - 2);
    if (inner.find('\\') == std::string_view::npos) return inner;
    scratch.clear();
    for (std::size_t at = 0; at < inner.size();) {
        if (inner[at] == '\\') {
            at = append_escape(scratch, inner, at + 1);
        } else {
            scratch.push_back(inner[at++]);
        }
    }
    return scratch;
}

namespace {
bool has_escape(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}
}  // namespace

void append_quoted(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    out.push_back('"');
    std::size_t plain = 0;  // where what needs no escape begins
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (!has_escape(c)) continue;
        out.append(text, plain, at - plain);
        plain = at + 1;
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else {
            out.append("\\u00");
            out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
            out.push_back(digits[c & 15]);
        }
    }
    out.append(text, plain);
    out.push_back('"');
}

std::size_t quoted_size(std::string_view text) {
    std::size_t size = text.size() + 2;
    for (const char c : text) {
        if (has_escape(c)) size += c == '"' || c == '\\' ? 1 : 5;
    }
    return size;
}

}  // namespace roost
