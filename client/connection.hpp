// connection: a program's line to the daemon beside it, by the control socket.
//
// Each call but next() sends a request and waits for its answer, at most as long as the
// constructor was told. Nothing is sent before the first call. A connection that has failed with
// `no_daemon` stays failed, and its subscriptions are gone: make a new one.
//
//     roost::Connection daemon(roost::default_endpoint());
//     const auto published = daemon.publish("room:1", "new_msg", R"({"body":"hello"})");
//     if (!published) std::cerr << published.error().text << '\n';
//
// Not thread-safe: one thread at a time. Throws std::exception only if ZeroMQ has no resources.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/control.hpp"
#include "proto/result.hpp"

namespace roost {

struct Failure {
    enum class Kind {
        no_daemon,  // nobody there, or gone, or not a roostd
        gave_up,    // connected, but no answer in time
        refused,    // the daemon said no; `code` is from proto/control.md
    };
    Kind kind = Kind::no_daemon;
    std::string code;
    std::string text;  // one sentence for people
};

// ROOST_CONTROL if it is set, else the first control socket that exists where roostd puts it by
// default, else the place where this user's roostd would put it.
std::string default_endpoint();

class Connection {
public:
    using Milliseconds = std::chrono::milliseconds;
    template <class T>
    using Answered = Result<T, Failure>;

    explicit Connection(std::string endpoint, Milliseconds answer_timeout = Milliseconds(5000));
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Answered<control::Pong> ping();
    Answered<control::NodeList> nodes();
    Answered<control::TopicList> topics();
    // What happened to the daemon's clients after the cursor; see client/events.hpp. Waits for the
    // first event, at most 15 s.
    Answered<control::EventBatch> events(const std::string& after, Milliseconds wait);
    // The sessions after the one named, in their order; of one user if that is not empty.
    Answered<control::SessionList> sessions(const std::string& after, const std::string& user);
    // The payload is JSON text, or any bytes. With a message id (it may be empty) the call may be
    // repeated: the message shows once.
    Answered<control::Published> publish(std::string_view topic, std::string_view event,
                                         std::string_view payload,
                                         std::string_view message_id = {});
    Answered<control::Published> publish_bytes(std::string_view topic, std::string_view event,
                                               std::string_view bytes,
                                               std::string_view message_id = {});

    // Many messages at once, or not for everybody; answered when the channels that they reached
    // have been counted.
    Answered<control::PublishedMany> publish(control::PublishMany publish);
    // Closes the connection of a client. After a final kick phoenix.js up to 1.8.12 stays away.
    Answered<control::Kicked> kick(const SessionId& session, bool is_final = false);
    // Has a backend decide about a push as if a client had sent it; what a client would be replied.
    Answered<control::Replied> ask(control::Ask push);

    // The number of the stream, for unsubscribe. Its messages come out of next().
    Answered<std::uint64_t> subscribe(std::vector<std::string> topics);
    Answered<control::Unsubscribed> unsubscribe(std::uint64_t stream);

    // The next message of any stream, or none within `wait`. Keeps the subscriptions alive while
    // it waits, so a subscriber calls it again within 15 seconds.
    Answered<std::optional<control::Message>> next(Milliseconds wait);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
