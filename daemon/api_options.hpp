// api_options: what the operator asks of the HTTP API.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace roost {

struct ApiOptions {
    std::string key_file;
    std::shared_ptr<const std::vector<std::string>> keys;  // none: the API is off
};

void add_api_options(CLI::App& app, ApiOptions& options);
// After the parse. Throws StartError.
void finish_api_options(ApiOptions& options);

}  // namespace roost
