// try_page: the page of --try-page: one room, to see two nodes at work.
#pragma once

#include <string_view>

namespace roost {

extern const std::string_view try_page;

}  // namespace roost
