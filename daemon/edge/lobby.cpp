#include "daemon/edge/lobby.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

#include "proto/limits.hpp"
#include "proto/request_head.hpp"

namespace roost {

namespace {

// False where there is no such thing: on sockets that are not of TCP.
bool wake_at(int fd, std::size_t bytes) {
    const int least = static_cast<int>(bytes);
    return setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least) == 0;
}

}  // namespace

Lobby::~Lobby() {
    for (const auto& [fd, guest] : guests_) {
        loop_.forget(fd);
        ::close(fd);
    }
}

void Lobby::enter(int fd, Visitor& visitor) {
    guests_[fd] = {&visitor, 0};
    visitor.lobby_fd = fd;
    loop_.on_readable(fd, [this, fd] { look(fd); });
}

bool Lobby::close(const Visitor& visitor) {
    const auto found = guests_.find(visitor.lobby_fd);
    if (found == guests_.end()) return false;
    loop_.forget(found->first);
    ::close(found->first);
    guests_.erase(found);
    return true;
}

void Lobby::look(int fd) {
    Guest& guest = guests_.at(fd);
    const auto got = recv(fd, head_.data(), head_.size(), MSG_PEEK | MSG_DONTWAIT);
    const std::string_view head(head_.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    // The rest of a head is waited for as long as it comes; the library judges what it is.
    if (head.size() > guest.seen && head.size() < head_.size() && !is_head_whole(head) &&
        wake_at(fd, head.size() + 1)) {
        guest.seen = head.size();
        return;
    }
    Visitor& visitor = *guest.visitor;
    if (auto list = subprotocols_of(head);
        is_head_whole(head) && list.size() >= limits::library_subprotocol_bytes) {
        visitor.subprotocols = std::make_unique<const std::string>(std::move(list));
    }
    if (guest.seen > 0) wake_at(fd, 1);
    guests_.erase(fd);
    visitor.lobby_fd = -1;
    loop_.forget(fd);
    on_ready_(fd, visitor);
}

}  // namespace roost
