// echo: a WebSocket that sends back what it hears, for tools that test WebSocket servers.
//
// What the client does not read is kept, up to a limit beyond which it is closed: libwebsockets
// cannot be told to wait with reading, under TLS its loop would stand still.
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
    std::size_t sent_ = 0;  // of what is waiting
};

}  // namespace roost
