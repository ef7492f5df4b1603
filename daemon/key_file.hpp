// key_file: the file in which the operator gives this node the group's key.
#pragma once

#include <string>
#include <vector>

#include "proto/group_key.hpp"

namespace roost {

// Throws StartError, which says what is wrong with the file; never what it holds.
std::vector<GroupKey> read_key_file(const std::string& path);

}  // namespace roost
