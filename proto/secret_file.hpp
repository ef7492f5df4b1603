// secret_file: the text of a file that holds a key, and whether others than its owner may read it.
//
// The one place of this floor that opens a file: the daemon and the tool must treat keys alike.
#pragma once

#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace roost {

struct SecretFile {
    std::string text;
    bool is_readable_by_others = false;
};

// To follow the path of a file whose secret is known to others.
inline constexpr std::string_view readable_by_others =
    "every user can read it: take the right from others (chmod o-r), and make a new key if one of "
    "them may have read this one";

// The error says why there is no text, to follow the path.
Result<SecretFile, std::string> read_secret_file(const std::string& path);

}  // namespace roost
