// node_pages: the pages by which a node tells of itself.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "daemon/edge/http_page.hpp"

namespace roost {

// What they ask the node.
struct NodePages {
    std::function<bool()> is_ready;
    std::function<std::string()> metrics;
};

struct PageOptions {
    std::string_view websocket_path;
    bool has_try_page = false;
};

// 404 if there is none of this path.
HttpPage page_at(std::string_view path, const NodePages& node, const PageOptions& options);

}  // namespace roost
