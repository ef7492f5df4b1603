// dialect: how clients of one protocol over WebSocket join, publish and hear.
//
// A dialect knows nothing of connections: it makes the bytes of messages, and reads those that
// came.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/target.hpp"

namespace roost::bench {

// Who reads what a server said to one client.
class Ear {
public:
    virtual ~Ear() = default;
    // One of the confirmations that a greeting waits for; later, the answer to a publish.
    virtual void on_ok() = 0;
    virtual void on_refused(std::string_view why) = 0;
    virtual void on_message(std::string_view payload) = 0;
    // The protocol wants this frame as an answer.
    virtual void on_question(const std::string& answer) = 0;
};

class Dialect {
public:
    virtual ~Dialect() = default;
    // Of the request that upgrades to WebSocket: its path, and further lines of its head.
    virtual std::string path(const Target& target) const = 0;
    virtual std::string_view head_lines() const { return ""; }
    // The frames by which a client joins the topics, at least one, and how often on_ok() follows.
    virtual std::string greeting(const std::vector<std::string>& topics) const = 0;
    virtual std::size_t confirmations(std::size_t topics) const = 0;
    // One frame; a payload is a JSON object. A client publishes to the first of its topics.
    virtual std::string publish(std::string_view topic, std::string_view payload) const = 0;
    // Whether frames are a stream, the borders of which mean nothing.
    virtual bool is_stream() const = 0;
    // Reads messages, whole ones only, and returns how many bytes they were.
    virtual std::size_t read(std::string_view bytes, Ear& ear) const = 0;
};

// Phoenix Channels, version 2.0, with the token if it is not empty.
std::unique_ptr<Dialect> phoenix(const std::string& token = {});
// For the same load on others: the text protocol of NATS, and MQTT 3.1.1 without acknowledgements.
std::unique_ptr<Dialect> nats();
std::unique_ptr<Dialect> mqtt();

}  // namespace roost::bench
