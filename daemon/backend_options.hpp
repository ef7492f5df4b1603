// backend_options: what the operator says about the backends that decide for clients.
#pragma once

#include "daemon/core/handlers.hpp"

namespace CLI {
class App;
}

namespace roost {

struct DoorOptions;

void add_backend_options(CLI::App& app, HandlersConfig& handlers, DoorOptions& door);

}  // namespace roost
