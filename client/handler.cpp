#include "client/handler.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>
#include <zmq.hpp>

namespace roost {

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds say_again_interval(1000);
constexpr Milliseconds look_interval(200);
// For the daemon to say that nothing more comes.
constexpr Milliseconds leave_wait(2000);
constexpr std::uint64_t handler_id = 1;
constexpr std::uint64_t leave_id = 2;
constexpr std::uint64_t respond_id = 3;

}  // namespace

class Handler::Impl {
public:
    Impl(const std::string& endpoint, HandlerOptions options, Decide decide)
        : handle_{std::move(options.patterns), std::move(options.kinds), options.credit},
          decide_(std::move(decide)) {
        socket_.set(zmq::sockopt::linger, 1000);  // the last answers still leave
        socket_.connect(endpoint);
    }

    std::optional<Failure> run() {
        Clock::time_point next_word{};
        while (!is_stopping_) {
            if (Clock::now() >= next_word) {
                send(handler_id, handle_);
                next_word = Clock::now() + say_again_interval;
            }
            if (auto failure = take_all(next_word)) return failure;
        }
        send(leave_id, control::Unhandle{handler_id});
        heard_ = Clock::now();
        while (!has_left_ && Clock::now() < heard_ + leave_wait) {
            if (auto failure = take_all(heard_ + leave_wait)) return failure;
        }
        return std::nullopt;
    }

    void stop() noexcept { is_stopping_ = true; }

private:
    // What is there, or what comes within a short while; no longer than `until`.
    std::optional<Failure> take_all(Clock::time_point until) {
        const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now());
        zmq_pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
        const auto wait = std::clamp(left, Milliseconds(0), look_interval);
        if (zmq_poll(&item, 1, static_cast<long>(wait.count())) <= 0) return std::nullopt;
        zmq::message_t bytes;
        while (Clock::now() < until && socket_.recv(bytes, zmq::recv_flags::dontwait)) {
            const auto answer = control::decode_answer(bytes.to_string_view());
            if (!answer) continue;  // of a later version
            if (const auto* asked = std::get_if<control::Asked>(&answer->body)) {
                send(respond_id, control::Respond{asked->request, decide(asked->about)});
                heard_ = Clock::now();
            } else if (answer->id == leave_id) {
                has_left_ = true;
            } else if (const auto* no = std::get_if<control::Refused>(&answer->body)) {
                // An answer that came too late is nobody's loss any more.
                if (answer->id == respond_id) continue;
                return Failure{Failure::Kind::refused, no->code, no->text};
            }
        }
        return std::nullopt;
    }

    backend::Response decide(const backend::Request& request) {
        try {
            return decide_(request);
        } catch (const std::exception&) {
            backend::Response response;
            response.is_crash = true;
            return response;
        }
    }

    void send(std::uint64_t id, decltype(control::Request::verb) verb) {
        const control::Request request{id, std::move(verb)};
        // Without a daemon the queue fills; what does not fit would be too late anyway.
        (void)socket_.send(zmq::buffer(control::encode(request)), zmq::send_flags::dontwait);
    }

    control::Handle handle_;
    Decide decide_;
    zmq::context_t context_;
    zmq::socket_t socket_{context_, zmq::socket_type::dealer};
    std::atomic<bool> is_stopping_ = false;
    bool has_left_ = false;
    Clock::time_point heard_{};
};

Handler::Handler(const std::string& endpoint, HandlerOptions options, Decide decide)
    : impl_(std::make_unique<Impl>(endpoint, std::move(options), std::move(decide))) {}

Handler::~Handler() = default;

std::optional<Failure> Handler::run() {
    return impl_->run();
}

void Handler::stop() noexcept {
    impl_->stop();
}

}  // namespace roost
