#include "client/bench/target.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "client/bench/load_error.hpp"

namespace roost::bench {

namespace {

constexpr std::string_view scheme = "ws://";

[[noreturn]] void fail(std::string_view url, const std::string& why) {
    throw LoadError("'" + std::string(url) + "' " + why);
}

void resolve(Target& target, std::string_view url) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error =
        getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found);
    if (error != 0) {
        throw Unreachable("'" + std::string(url) +
                          "' names no host that is known: " + gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
    std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
    target.address_bytes = found->ai_addrlen;
}

}  // namespace

bool Target::is_loopback() const {
    if (address.ss_family != AF_INET) return false;
    sockaddr_in inet{};
    std::memcpy(&inet, &address, sizeof inet);
    return ntohl(inet.sin_addr.s_addr) >> 24 == 127;
}

Target parse_target(std::string_view url) {
    if (url.starts_with("wss://")) {
        fail(url,
             "is TLS, which a load does not speak: name a listener without it, ws://HOST:PORT");
    }
    if (!url.starts_with(scheme)) fail(url, "must be ws://HOST:PORT/PATH, as ws://127.0.0.1:4000");
    std::string_view rest = url.substr(scheme.size());
    Target target;
    const auto slash = rest.find('/');
    target.path = slash == std::string_view::npos ? "" : rest.substr(slash);
    while (target.path.ends_with('/')) target.path.pop_back();
    if (target.path.empty()) target.path = "/socket";
    rest = rest.substr(0, slash);

    std::string_view port = "80";
    const auto colon = rest.rfind(':');
    if (colon != std::string_view::npos && !rest.ends_with(']')) {
        port = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
    }
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    target.host = rest;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), target.port);
    if (error != std::errc() || end != port.data() + port.size() || target.port == 0) {
        fail(url, "must have a port of 1 to 65535");
    }
    if (target.host.empty()) fail(url, "names no host: it must be ws://HOST:PORT/PATH");
    resolve(target, url);
    return target;
}

}  // namespace roost::bench
