// crowd: many Phoenix clients on one epoll, in one thread.
//
// A client is connected, upgraded and joined to one topic. Reading is one recv() into one shared
// buffer, of which only the heads of the WebSocket frames are looked at: what the load costs must
// stay well below what the server's work costs. A client that the server closes is an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace roost::bench {

// One masked text frame, as a client sends it.
std::string text_frame(std::string_view content);

class Crowd {
public:
    // The content of a text frame that a joined client got.
    using OnText = std::function<void(std::size_t client, std::string_view content)>;
    using TopicOf = std::function<std::string(std::size_t client)>;

    explicit Crowd(std::uint16_t port);
    ~Crowd();  // cuts every connection
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    // Adds clients until there are `count`, and returns when all have their join reply. So many are
    // on their way at a time that the listener's backlog does not overflow.
    void join(std::size_t count, const TopicOf& topic_of);

    void send(std::size_t client, std::string_view frames);

    // Reads once from every client that has something; false after a silence of so long.
    bool read(int milliseconds, const OnText& on_text);

private:
    enum class Stage : std::uint8_t { upgrading, joining, joined };
    struct Client {
        int fd = -1;
        Stage stage = Stage::upgrading;
        std::string rest;  // of a read that ended within a frame
    };

    void connect_one();
    void read_one(std::size_t client, const OnText& on_text);
    // How many bytes were whole.
    std::size_t take(std::size_t client, std::string_view bytes, const OnText& on_text);
    std::size_t take_upgrade(std::size_t client, std::string_view bytes);
    void take_frame(std::size_t client, unsigned opcode, std::string_view content,
                    const OnText& on_text);

    std::uint16_t port_;
    int epoll_ = -1;
    std::vector<Client> clients_;
    std::vector<char> buffer_;
    TopicOf topic_of_;
    std::size_t joined_ = 0;
};

}  // namespace roost::bench
