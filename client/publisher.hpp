// publisher: publishes through the daemon beside the program, and outlives its restarts.
//
//     roost::Publisher publisher(roost::default_endpoint());
//     const auto published = publisher.publish("room:1", "new_msg", R"({"body":"hello"})");
//     if (!published) std::cerr << published.error().text << '\n';
//
// A call whose answer stays out is repeated, on a new connection, until the patience is over. Each
// message has an id of its own, so that a repetition shows once, unless the daemon was started
// again in between and no other node has seen the message. Not thread-safe: one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client/connection.hpp"

namespace roost {

class Publisher {
public:
    using Milliseconds = std::chrono::milliseconds;

    // How long a call may take. Throws std::exception only if ZeroMQ has no resources.
    explicit Publisher(std::string endpoint, Milliseconds patience = Milliseconds(15'000));

    // A payload of JSON text. The position may be empty and the answer a duplicate: then an earlier
    // try of the same call has been published.
    Result<control::Published, Failure> publish(std::string_view topic, std::string_view event,
                                                std::string_view payload);
    // Any bytes.
    Result<control::Published, Failure> publish_bytes(std::string_view topic,
                                                      std::string_view event,
                                                      std::string_view bytes);

private:
    Result<control::Published, Failure> publish(const control::Publish& message);

    std::string endpoint_;
    Milliseconds patience_;
    std::unique_ptr<Connection> daemon_;
    std::string id_prefix_;  // drawn at random
    std::uint64_t published_ = 0;
};

}  // namespace roost
