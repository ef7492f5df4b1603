#include "daemon/edge/socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace roost;

namespace {

// A connection on loopback, as both sides have it.
struct Connection {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int caller = socket(AF_INET, SOCK_STREAM, 0);
    int called = -1;
    std::uint16_t port = 0;

    Connection() {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof name;
        auto* address = reinterpret_cast<sockaddr*>(&name);
        REQUIRE(bind(listener, address, size) == 0);
        REQUIRE(listen(listener, 1) == 0);
        REQUIRE(getsockname(listener, address, &size) == 0);
        port = ntohs(name.sin_port);
        REQUIRE(connect(caller, address, size) == 0);
        called = accept(listener, nullptr, nullptr);
        REQUIRE(called >= 0);
    }
    ~Connection() {
        for (const int fd : {listener, caller, called}) close(fd);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
};

}  // namespace

TEST_CASE("the caller of a port is known, and only while the connection is one of that port") {
    const Connection connection;
    const auto caller = peer_of(connection.called, connection.port);
    REQUIRE(caller);
    CHECK(caller->text() == "127.0.0.1");
    CHECK_FALSE(peer_of(connection.called, static_cast<std::uint16_t>(connection.port + 1)));
    CHECK_FALSE(peer_of(connection.caller, connection.port));  // the other end of it
    CHECK_FALSE(peer_of(connection.listener, connection.port));
    CHECK_FALSE(peer_of(-1, connection.port));
}
