// cables: TCP connections between peers and one publisher, that can be cut.
//
// Each cable is a port of its own, forwarded to the target. A cut is abrupt: what was under way is
// lost, and the connection is reset. Half a cut resets only the peer's side, as when a firewall has
// forgotten the connection: the publisher is told nothing. One thread forwards; all functions may
// be called from another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "proto/endpoint.hpp"

namespace roost::contract {

enum class Cut { whole, half };

class Cables {
public:
    Cables(std::size_t count, const Endpoint& target);
    ~Cables();
    Cables(const Cables&) = delete;
    Cables& operator=(const Cables&) = delete;

    Endpoint end_of(std::size_t cable) const;

    void cut(std::size_t cable, Cut cut);
    // The next connections are cut when the peer has sent so many bytes by them.
    void cut_after(std::size_t cable, std::vector<std::size_t> bytes, Cut cut);
    // What the publisher sends is kept from the peer as long as this connection lasts.
    void mute(std::size_t cable);

    // Connections that there have been.
    std::size_t connections(std::size_t cable) const;
    // There is a connection, and nothing will cut it.
    bool is_at_rest(std::size_t cable) const;

private:
    struct Flow {
        std::vector<char> bytes;
        std::size_t at = 0;
        bool is_muted = false;
        std::size_t left_until_cut = SIZE_MAX;
    };
    struct Connection {
        std::size_t cable = 0;
        int peer = -1, publisher = -1;  // the peer's is -1 after half a cut
        Flow up, down;
        Cut cut = Cut::whole;
        bool is_over = false;
    };
    struct Cable {
        int listener = -1;
        std::uint16_t port = 0;
        std::vector<std::size_t> cuts;  // the next one last
        Cut cut = Cut::whole;
        std::size_t connections = 0;
    };

    void run();
    void accept(std::size_t cable);
    // False if the connection has ended.
    static bool forward(int from, int to, Flow& flow, short events_from, short events_to);
    static void reset(int& fd);
    static void end(Connection& connection, Cut cut);

    Endpoint target_;
    mutable std::mutex mutex_;  // of all that follows
    std::vector<Cable> cables_;
    std::list<Connection> connections_;
    bool is_stopping_ = false;
    int wake_ = -1;
    std::thread thread_;
};

}  // namespace roost::contract
