#include "daemon/edge/loop.hpp"

#include <ev.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "daemon/core/invariant.hpp"

namespace roost {

namespace {

struct Reader {
    ev_io watcher{};
    std::function<void()> work;
};
struct Timer {
    ev_timer watcher{};
    std::function<void()> work;
};

}  // namespace

struct Loop::Impl {
    struct ev_loop* loop = nullptr;
    Time now{};
    ev_prepare prepare{};
    ev_check check{};
    ev_async async{};
    ev_idle idle{};  // while it runs, the loop does not wait
    int turns_first = 0;
    std::atomic<bool> is_stopping = false;
    std::vector<std::function<bool()>> ends;
    std::vector<std::function<void()>> last;
    std::atomic<std::thread::id> thread{};
    std::map<int, std::unique_ptr<Reader>> readers;
    std::vector<std::unique_ptr<Timer>> timers;

    void read_clock() {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        now = Time(std::chrono::duration_cast<Duration>(since));
    }
    void end_turn() noexcept {
        // What was asked before the stop is still done.
        const bool is_last = is_stopping;
        constexpr int rounds_max = 4;
        if (!ev_is_active(&idle)) turns_first = 0;
        ev_idle_stop(loop, &idle);
        for (int round = 0; round < rounds_max && run_ends(); ++round) continue;
        for (const auto& work : last) work();
        if (is_last) {
            ev_break(loop, EVBREAK_ALL);
        } else if (run_ends()) {
            // Others get their turn in between, and what has been gathered has left.
            ev_async_send(loop, &async);
        }
    }
    bool run_ends() {
        bool is_busy = false;
        for (const auto& end : ends) is_busy |= end();
        return is_busy;
    }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {
    impl_->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
    INVARIANT(impl_->loop);
    impl_->read_clock();
    impl_->prepare.data = impl_->check.data = impl_.get();
    ev_prepare_init(&impl_->prepare, [](struct ev_loop*, ev_prepare* watcher, int) {
        static_cast<Impl*>(watcher->data)->end_turn();
    });
    ev_check_init(&impl_->check, [](struct ev_loop*, ev_check* watcher, int) {
        static_cast<Impl*>(watcher->data)->read_clock();
    });
    ev_async_init(&impl_->async, [](struct ev_loop*, ev_async*, int) {});
    ev_idle_init(&impl_->idle, [](struct ev_loop*, ev_idle*, int) {});
    // The clock is read before any other watcher of the turn runs.
    ev_set_priority(&impl_->check, EV_MAXPRI);
    ev_set_priority(&impl_->prepare, EV_MINPRI);
    ev_prepare_start(impl_->loop, &impl_->prepare);
    ev_check_start(impl_->loop, &impl_->check);
    ev_async_start(impl_->loop, &impl_->async);
}

Loop::~Loop() {
    ev_prepare_stop(impl_->loop, &impl_->prepare);
    ev_check_stop(impl_->loop, &impl_->check);
    ev_async_stop(impl_->loop, &impl_->async);
    ev_idle_stop(impl_->loop, &impl_->idle);
    for (auto& [fd, reader] : impl_->readers) ev_io_stop(impl_->loop, &reader->watcher);
    for (auto& timer : impl_->timers) ev_timer_stop(impl_->loop, &timer->watcher);
    ev_loop_destroy(impl_->loop);
}

Time Loop::now() const {
    return impl_->now;
}
void Loop::take_time() {
    impl_->read_clock();
}
struct ev_loop* Loop::raw() {
    return impl_->loop;
}

void Loop::at_end_of_turn(std::function<bool()> work) {
    impl_->ends.push_back(std::move(work));
}

void Loop::before_wait(std::function<void()> work) {
    impl_->last.push_back(std::move(work));
}

bool Loop::take_turn_first() {
    constexpr int turns_first_max = 4;
    if (impl_->is_stopping || impl_->turns_first == turns_first_max) {
        impl_->turns_first = 0;
        return false;
    }
    ++impl_->turns_first;
    ev_idle_start(impl_->loop, &impl_->idle);
    return true;
}

void Loop::every(Duration interval, std::function<void()> work) {
    auto timer = std::make_unique<Timer>();
    timer->work = std::move(work);
    timer->watcher.data = timer.get();
    const double seconds = std::chrono::duration<double>(interval).count();
    ev_timer_init(
        &timer->watcher,
        [](struct ev_loop*, ev_timer* watcher, int) { static_cast<Timer*>(watcher->data)->work(); },
        seconds, seconds);
    ev_timer_start(impl_->loop, &timer->watcher);
    impl_->timers.push_back(std::move(timer));
}

void Loop::on_readable(int fd, std::function<void()> work) {
    auto reader = std::make_unique<Reader>();
    reader->work = std::move(work);
    reader->watcher.data = reader.get();
    ev_io_init(
        &reader->watcher,
        [](struct ev_loop*, ev_io* watcher, int) { static_cast<Reader*>(watcher->data)->work(); },
        fd, EV_READ);
    ev_io_start(impl_->loop, &reader->watcher);
    impl_->readers[fd] = std::move(reader);
}

void Loop::forget(int fd) {
    const auto found = impl_->readers.find(fd);
    if (found == impl_->readers.end()) return;
    ev_io_stop(impl_->loop, &found->second->watcher);
    impl_->readers.erase(found);
}

void Loop::pause(int fd) {
    ev_io_stop(impl_->loop, &impl_->readers.at(fd)->watcher);
}
void Loop::resume(int fd) {
    ev_io_start(impl_->loop, &impl_->readers.at(fd)->watcher);
}

void Loop::run() {
    impl_->thread = std::this_thread::get_id();
    impl_->read_clock();
    ev_run(impl_->loop, 0);
}

void Loop::wake() {
    ev_async_send(impl_->loop, &impl_->async);
}

bool Loop::is_own_thread() const {
    return impl_->thread.load() == std::this_thread::get_id();
}

void Loop::stop() {
    impl_->is_stopping = true;
    wake();
}

}  // namespace roost
