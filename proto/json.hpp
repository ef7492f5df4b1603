// json: checks that a text is JSON, and cuts an array into its elements without changing a byte.
//
// Everything a client may cause to be sent to others passes through JsonReader once: the whole text
// is validated (grammar, UTF-8, numbers in double range, no lone surrogates, bounded depth), and
// the elements are handed out as the bytes that came. Grammar: RFC 8259.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace roost {

// not_an_array: the text begins like something else, and was not looked at any further.
enum class JsonError { not_json, not_utf8, too_deep, not_an_array };

// The first elements of an array, as raw JSON, and how many there are in all.
struct JsonArray {
    static constexpr std::size_t kept_max = 5;
    std::array<std::string_view, kept_max> elements;
    std::size_t size = 0;
};

// Not thread-safe: one for each loop.
class JsonReader {
public:
    explicit JsonReader(std::size_t depth_max = 64);
    ~JsonReader();
    JsonReader(const JsonReader&) = delete;
    JsonReader& operator=(const JsonReader&) = delete;

    // The slices point into this reader and live until its next call.
    Result<JsonArray, JsonError> slice_array(std::string_view text);

    // One JSON value, without the white space around it. Lives as long as slices do.
    Result<std::string_view, JsonError> value(std::string_view text);
    bool is_valid(std::string_view text) { return value(text).has_value(); }

private:
    Result<JsonArray, JsonError> slice(std::string_view text, std::size_t depth);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

bool is_utf8(std::string_view text);

// The text without white space around it.
std::string_view trim_json(std::string_view text);

// What the kinds of a raw, valid JSON value are, by its first byte.
inline bool is_json_string(std::string_view raw) {
    return raw.starts_with('"');
}
inline bool is_json_object(std::string_view raw) {
    return raw.starts_with('{');
}
inline bool is_json_array(std::string_view raw) {
    return raw.starts_with('[');
}
inline bool is_json_null(std::string_view raw) {
    return raw == "null";
}

// Visits the members of a raw, valid JSON object, values raw, until `visit` returns false.
void for_each_member(
    std::string_view raw_object,
    const std::function<bool(std::string_view key, std::string_view value)>& visit);
// Visits the elements of a raw, valid JSON array until `visit` returns false.
void for_each_element(std::string_view raw_array,
                      const std::function<bool(std::string_view element)>& visit);
// Whether no name stands twice in a raw, valid JSON object, however it is spelled.
bool has_unique_names(std::string_view raw_object);
// The last member of this name, if there is one: as JSON.parse has it.
std::optional<std::string_view> member(std::string_view raw_object, std::string_view key);

// The UTF-8 text of a raw, valid JSON string. `scratch` holds it when it has escapes.
std::string_view unquote(std::string_view raw, std::string& scratch);

// Appends the text as a JSON string.
void append_quoted(std::string& out, std::string_view text);
// How many bytes that are.
std::size_t quoted_size(std::string_view text);

}  // namespace roost
