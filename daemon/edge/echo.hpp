// echo: a WebSocket that sends back what it hears, for tools that test WebSocket servers.
//
// What is not read by the client is waited for: it takes nothing more until the last answer has
// left.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct lws;

namespace roost {

class Echo {
public:
    explicit Echo(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

    // Both return false if the connection is to be ended.
    bool receive(lws* wsi, std::string_view chunk);
    bool write(lws* wsi);

private:
    std::size_t message_bytes_max_;
    std::string message_, waiting_;
};

}  // namespace roost
