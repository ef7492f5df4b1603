// crowd: many clients of one dialect on one epoll, in one thread.
//
// A client is connected, upgraded and joined to its topics, and from then on what it hears goes to
// the CrowdListener. Reading is one recv() into one shared buffer: what the load costs must stay
// well below what the server's work costs. Whatever a load does not expect (a connection that is
// closed, a refusal) is a LoadError. All times are of the steady clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/dialect.hpp"
#include "client/bench/target.hpp"

namespace roost::bench {

using Clock = std::chrono::steady_clock;
using ClientId = std::uint32_t;

class CrowdListener {
public:
    virtual ~CrowdListener() = default;
    virtual void on_message(ClientId client, std::string_view payload) = 0;
    // After so long, from the beginning of its connection.
    virtual void on_joined(ClientId, Clock::duration) {}
    // The answer to something that was sent after the join.
    virtual void on_answer(ClientId) {}
};

class Crowd final : private Ear {
public:
    // The targets and the dialect outlive it.
    Crowd(const std::vector<Target>& targets, const Dialect& dialect, CrowdListener& listener);
    ~Crowd() override;  // cuts every connection
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    // Begins to connect to one of the targets, and to join. Clients are numbered from 0.
    ClientId add(std::size_t target, std::vector<std::string> topics);
    // Cuts the connection; the number is not used again.
    void cut(ClientId client);
    void send(ClientId client, std::string_view frames);
    // Waits for whoever has something, at most so long, and reads once from each; false after a
    // silence of so long.
    bool turn(std::chrono::milliseconds most);

    std::size_t size() const { return clients_.size(); }
    std::size_t joined() const { return joined_; }
    const std::string& topic_of(ClientId client) const { return clients_[client].topics.front(); }
    const Target& target_of(ClientId client) const { return targets_[clients_[client].target]; }
    // When the last bytes were read.
    Clock::time_point now() const { return now_; }

private:
    enum class Stage : std::uint8_t { connecting, upgrading, joining, joined, cut };
    struct Client {
        int fd = -1;
        Stage stage = Stage::connecting;
        std::size_t target = 0;
        std::size_t missing = 0;  // confirmations
        Clock::time_point begun;
        std::vector<std::string> topics;
        std::string rest;    // of a read that ended within a frame
        std::string stream;  // of frames that ended within a message
        std::string unsent;
    };

    void on_ok() override;
    void on_refused(std::string_view why) override;
    void on_message(std::string_view payload) override;
    void on_question(const std::string& answer) override { send(current_, answer); }

    void open(Client& client, ClientId id);
    void finish_connect(ClientId client);
    void write_rest(ClientId client);
    void watch(ClientId client, std::uint32_t events, int operation);
    void read_one(ClientId client);
    // How many bytes were whole.
    std::size_t take(std::string_view bytes);
    std::size_t take_upgrade(std::string_view bytes);
    void take_frame(unsigned opcode, std::string_view content);
    [[noreturn]] void fail(ClientId client, const std::string& what) const;

    const std::vector<Target>& targets_;
    const Dialect& dialect_;
    CrowdListener& listener_;
    int epoll_ = -1;
    std::vector<Client> clients_;
    std::vector<char> buffer_;
    ClientId current_ = 0;  // whose bytes are being read
    std::size_t joined_ = 0;
    Clock::time_point now_;
};

// Lets the process have as many descriptors as so many clients need. Throws LoadError.
void allow_descriptors(std::size_t clients);

}  // namespace roost::bench
