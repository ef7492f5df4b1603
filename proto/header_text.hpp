// header_text: what the values of HTTP headers are made of: words in any case, lists with commas.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace roost {

// ASCII only, as header names, schemes and hosts are.
inline std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

// Without the blanks around it (RFC 9110, section 5.6.3).
inline std::string_view trim_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Cuts the first item off a list with commas. The list is empty when nothing is left.
inline std::string_view next_item(std::string_view& list) {
    const auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    return trim_blanks(item);
}

// Is the word, which is in lower case, in the list?
inline bool lists(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        if (lower(next_item(list)) == word) return true;
    }
    return false;
}

}  // namespace roost
