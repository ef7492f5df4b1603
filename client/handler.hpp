// handler: a worker of a backend, which decides for clients of the daemon beside it.
//
//     roost::Handler handler(roost::default_endpoint(), {{"room:*"}},
//                            [](const roost::backend::Request& request) {
//                                roost::backend::Response response;
//                                if (request.event == "echo") response.payload = request.payload;
//                                return response;
//                            });
//     if (const auto failure = handler.run()) std::cerr << failure->text << '\n';
//
// It registers, again and again, so that daemon and worker may be restarted in any order. What it
// is asked it answers one after the other, in the thread of run(): each within 4 seconds, or the
// daemon takes it for dead. Run several, in threads or processes of their own, to decide several at
// once. Spec: proto/control.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/connection.hpp"
#include "proto/backend.hpp"

namespace roost {

struct HandlerOptions {
    std::vector<std::string> patterns;  // topics, or prefixes that end in *
    std::vector<backend::Kind> kinds{backend::Kind::join, backend::Kind::push};
    // How many requests it may be sent before it has answered the first: what it may take with it
    // when it dies.
    std::uint64_t credit = 16;
};

class Handler {
public:
    // What it throws, as a std::exception, ends the channel as a crash does; run() goes on.
    using Decide = std::function<backend::Response(const backend::Request&)>;

    Handler(const std::string& endpoint, HandlerOptions options, Decide decide);
    ~Handler();
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

    // Until stop(): then it takes nothing new, answers what it has, and returns nothing. A failure
    // if the daemon refuses what it was given. Throws std::exception only if ZeroMQ has no
    // resources.
    std::optional<Failure> run();
    // From any thread, and from a signal handler. It takes effect within a fifth of a second.
    void stop() noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
