#include "daemon/edge/uring.hpp"

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "daemon/core/invariant.hpp"
#include "daemon/edge/log.hpp"
#include "daemon/edge/start_error.hpp"

namespace roost {

namespace {

std::uint64_t ticket_of(std::uint32_t tag, std::size_t size) {
    return static_cast<std::uint64_t>(size) << 32 | tag;
}

// Not the socket's fault: to be tried in another way.
bool is_passing(int error) {
    return error == EAGAIN || error == EINTR || error == ENOMEM || error == ENOBUFS;
}

// What the ring is opened with; a kernel before 5.18 does not know the flag.
int init(io_uring& ring) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SUBMIT_ALL;
    const int result = io_uring_queue_init_params(Uring::sends_max, &ring, &params);
    if (result != -EINVAL) return result;
    return io_uring_queue_init(Uring::sends_max, &ring, 0);
}

std::string refusal(int error) {
    std::string text(std::strerror(error));
    if (error == EPERM || error == EACCES) {
        text += " (a seccomp filter, or the sysctl kernel.io_uring_disabled?)";
    } else if (error == ENOSYS) {
        text += " (the kernel has none)";
    } else if (error == ENOMEM) {
        text += " (the limit of locked memory?)";
    }
    return text;
}

}  // namespace

struct Uring::Impl {
    io_uring ring{};
    bool is_open = false;
    int failure = 0;  // an errno
    // What is added and not sent, in the order in which the kernel takes it.
    std::array<std::uint64_t, sends_max> tickets;
    unsigned added = 0;
    std::vector<Short> shorts;

    ~Impl() {
        if (is_open) io_uring_queue_exit(&ring);
    }
    // Reads the results of so many.
    void reap(unsigned count);
    void note_short(const io_uring_cqe& done);
    // Those from `first` on the kernel has not seen.
    void give_up(unsigned first, int error);
};

void Uring::Impl::reap(unsigned count) {
    while (count > 0) {
        const unsigned ready = io_uring_cq_ready(&ring);
        const unsigned first = *ring.cq.khead, mask = ring.cq.ring_mask;
        const io_uring_cqe* const results = ring.cq.cqes;
        for (unsigned i = 0; i < ready; ++i) {
            const io_uring_cqe& done = results[(first + i) & mask];
            if (done.res < 0 || done.user_data >> 32 != static_cast<unsigned>(done.res)) {
                note_short(done);
            }
        }
        io_uring_cq_advance(&ring, ready);
        count -= ready;
        if (ready > 0) continue;
        // No send waits for its socket, so all of them have ended by now, or are just about to.
        io_uring_cqe* next = nullptr;
        const int result = io_uring_wait_cqe(&ring, &next);
        INVARIANT(result == 0 || result == -EINTR);
    }
}

void Uring::Impl::note_short(const io_uring_cqe& done) {
    Short each{static_cast<std::uint32_t>(done.user_data), 0, 0};
    if (done.res >= 0) {
        each.taken = static_cast<std::size_t>(done.res);
    } else if (!is_passing(-done.res)) {
        each.error = -done.res;
    }
    shorts.push_back(each);
}

void Uring::Impl::give_up(unsigned first, int error) {
    failure = error;
    for (unsigned i = first; i < added; ++i) {
        shorts.push_back({static_cast<std::uint32_t>(tickets[i]), 0, 0});
    }
}

Uring::Uring(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Uring::~Uring() = default;

std::string Uring::failure() const {
    return impl_->failure == 0 ? std::string() : refusal(impl_->failure);
}

void Uring::add(int fd, std::string_view bytes, std::uint32_t tag) {
    Impl& impl = *impl_;
    INVARIANT(impl.added < sends_max);
    // The ring has as many entries, and is empty after each send(): the next one is free. The rest
    // of it is the same for all sends, and stays.
    io_uring_sq& queue = impl.ring.sq;
    io_uring_sqe* entry = &queue.sqes[queue.sqe_tail++ & queue.ring_mask];
    entry->fd = fd;
    entry->addr = reinterpret_cast<std::uintptr_t>(bytes.data());
    entry->len = static_cast<std::uint32_t>(bytes.size());
    entry->user_data = impl.tickets[impl.added++] = ticket_of(tag, bytes.size());
}

std::span<const Uring::Short> Uring::send() {
    impl_->shorts.clear();
    unsigned submitted = 0;
    int error = 0;
    while (submitted < impl_->added) {
        const int result = io_uring_submit_and_wait(&impl_->ring, impl_->added - submitted);
        if (result == -EINTR) continue;
        if (result <= 0) {
            error = result < 0 ? -result : EBUSY;
            break;
        }
        submitted += static_cast<unsigned>(result);
    }
    impl_->reap(submitted);
    if (error != 0) impl_->give_up(submitted, error);
    impl_->added = 0;
    return impl_->shorts;
}

Result<std::unique_ptr<Uring>, std::string> Uring::open() {
    auto impl = std::make_unique<Impl>();
    if (const int result = init(impl->ring); result < 0) return Unexpected{refusal(-result)};
    impl->is_open = true;
    for (std::size_t i = 0; i < sends_max; ++i) {
        io_uring_prep_send(&impl->ring.sq.sqes[i], -1, nullptr, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    std::unique_ptr<Uring> uring(new Uring(std::move(impl)));
    // Some let it be set up and not be used.
    std::array<int, 2> pair{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return Unexpected{std::string(std::strerror(errno))};
    }
    uring->add(pair[0], "?", 0);
    const auto shorts = uring->send();
    const int error = shorts.empty() ? 0 : shorts.front().error;
    ::close(pair[0]);
    ::close(pair[1]);
    if (error != 0) return Unexpected{refusal(error)};
    if (!uring->failure().empty()) return Unexpected{uring->failure()};
    return uring;
}

bool is_uring_wanted(UringMode mode) {
    if (mode == UringMode::off) {
        log_line(LogLevel::info, "io_uring is off: sends go to the kernel one by one");
        return false;
    }
    const auto uring = Uring::open();
    if (uring) {
        log_line(LogLevel::info,
                 "io_uring is in use: the sends of a turn go to the kernel at once");
        return true;
    }
    if (mode == UringMode::on) {
        throw StartError(exit_code::unavailable,
                         "--io-uring on: io_uring is refused: " + uring.error() +
                             "; --io-uring auto does without");
    }
    log_line(LogLevel::info,
             "io_uring is refused: " + uring.error() + "; sends go to the kernel one by one");
    return false;
}

}  // namespace roost
