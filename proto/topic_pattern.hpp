// topic_pattern: names one topic, or all that begin alike: "room:1", "room:*".
#pragma once

#include <string_view>

namespace roost {

// A * may stand only at the end.
inline bool is_topic_pattern(std::string_view text) {
    return !text.empty() && text.find('*') >= text.size() - 1;
}

inline bool matches_pattern(std::string_view pattern, std::string_view topic) {
    if (!pattern.ends_with('*')) return topic == pattern;
    return topic.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace roost
