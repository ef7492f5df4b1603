#include "proto/group_key.hpp"

#include <sodium.h>

#include <algorithm>
#include <optional>

namespace roost {

namespace {

constexpr std::string_view how = "a key is 64 hex digits, as roost keygen prints them";

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<GroupKey> parse_key(std::string_view text) {
    GroupKey key{};
    if (text.size() != 2 * key.size()) return std::nullopt;
    for (std::size_t i = 0; i < key.size(); ++i) {
        const int high = digit_of(text[2 * i]);
        const int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        key[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return key;
}

std::string_view trim(std::string_view line) {
    constexpr std::string_view blanks = " \t\r";
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

}  // namespace

std::string text_of(const GroupKey& key) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : key) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

GroupKey public_key_of(const GroupKey& key) {
    static_assert(crypto_scalarmult_SCALARBYTES == sizeof(GroupKey));
    GroupKey made{};
    crypto_scalarmult_base(made.data(), key.data());
    return made;
}

Result<std::vector<GroupKey>, std::string> parse_group_keys(std::string_view text) {
    std::vector<GroupKey> keys;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        const std::string where = "line " + std::to_string(number);
        const auto key = parse_key(line);
        if (!key) return Unexpected{where + " is no key: " + std::string(how)};
        if (std::find(keys.begin(), keys.end(), *key) != keys.end()) {
            return Unexpected{where + " holds the same key again: leave it out"};
        }
        if (keys.size() == group_keys_max) {
            return Unexpected{where +
                              " holds a third key: keep one, or two while one is exchanged"};
        }
        keys.push_back(*key);
    }
    if (keys.empty()) return Unexpected{"it holds no key: " + std::string(how)};
    return keys;
}

}  // namespace roost
