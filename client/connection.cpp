#include "client/connection.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <set>
#include <utility>
#include <zmq.hpp>

namespace roost {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = Connection::Milliseconds;

// The daemon forgets a subscriber after 20 s of silence.
constexpr Milliseconds keep_alive_interval(5000);
constexpr std::chrono::hours wait_max(24 * 365);
constexpr const char* monitor_endpoint = "inproc://monitor";
constexpr std::string_view ipc = "ipc://";

Failure failure(Failure::Kind kind, std::string text) {
    return {kind, "", std::move(text)};
}

// Why nobody listens on the socket file, or nothing. ZeroMQ would go on trying without a word.
std::string why_not_connectable(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return "not a path of a socket";
    std::memcpy(static_cast<char*>(address.sun_path), path.data(), path.size());
    auto size = static_cast<socklen_t>(sizeof address);
    if (path[0] == '@') {  // the abstract namespace: no file, and the name's length counts
        address.sun_path[0] = '\0';
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    }

    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return std::strerror(errno);
    std::string reason;
    // EAGAIN: somebody listens, with a full queue.
    if (::connect(probe, reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
        errno != EAGAIN) {
        reason = std::strerror(errno);
    }
    ::close(probe);
    return reason;
}

}  // namespace

class Connection::Impl {
public:
    Impl(std::string endpoint, Milliseconds answer_timeout)
        : endpoint_(std::move(endpoint)), answer_timeout_(answer_timeout) {
        socket_.set(zmq::sockopt::linger, 0);
    }

    // The answer to the verb, if it is a Body.
    template <class Body>
    // It may take its own time first.
    Result<Body, Failure> ask(decltype(control::Request::verb) verb,
                              Milliseconds patience = Milliseconds(0)) {
        auto answer = ask(control::Request{next_id_++, std::move(verb)}, patience);
        if (!answer) return Unexpected{answer.error()};
        if (auto* body = std::get_if<Body>(&answer->body)) return std::move(*body);
        if (auto* no = std::get_if<control::Refused>(&answer->body))
            return Unexpected{refused(*no)};
        return Unexpected{lose("its answer does not fit the question")};
    }

    Result<std::uint64_t, Failure> subscribe(std::vector<std::string> topics) {
        const std::uint64_t stream = next_id_;
        auto subscribed = ask<control::Subscribed>(control::Subscribe{std::move(topics)});
        if (!subscribed) return Unexpected{subscribed.error()};
        streams_.insert(stream);
        return stream;
    }

    Result<control::Unsubscribed, Failure> unsubscribe(std::uint64_t stream) {
        streams_.erase(stream);
        return ask<control::Unsubscribed>(control::Unsubscribe{stream});
    }

    Result<std::optional<control::Message>, Failure> next(Milliseconds wait) {
        const auto until = Clock::now() + std::min<Milliseconds>(wait, wait_max);
        if (auto no = connect()) return Unexpected{*no};
        keep_alive();
        while (inbox_.empty()) {
            auto answer = receive(std::min(until, keep_alive_due()));
            if (!answer) return Unexpected{answer.error()};
            const auto now = Clock::now();
            if (*answer) {
                take(std::move(**answer));
            } else if (keep_alive_id_ != 0 && now >= keep_alive_due()) {
                return Unexpected{silence()};
            } else if (now >= until) {
                return std::optional<control::Message>();
            }
            keep_alive();
        }
        control::Answer first = std::move(inbox_.front());
        inbox_.pop_front();
        if (auto* no = std::get_if<control::Refused>(&first.body)) return Unexpected{refused(*no)};
        return std::optional(std::get<control::Message>(std::move(first.body)));
    }

private:
    Result<control::Answer, Failure> ask(const control::Request& request, Milliseconds patience) {
        if (auto no = connect()) return Unexpected{*no};
        send(request);
        const auto until = Clock::now() + answer_timeout_ + patience;
        for (;;) {
            auto answer = receive(until);
            if (!answer) return Unexpected{answer.error()};
            if (!*answer) return Unexpected{silence()};
            const bool is_message = std::holds_alternative<control::Message>((*answer)->body);
            const bool is_mine = (*answer)->id == request.id && !is_message;
            const bool is_unreadable = (*answer)->id == 0;  // the daemon could read no id
            if (is_mine || is_unreadable) return std::move(**answer);
            take(std::move(**answer));
        }
    }

    // An answer that no call is waiting for.
    void take(control::Answer answer) {
        if (answer.id == keep_alive_id_) keep_alive_id_ = 0;
        const bool is_end =
            std::holds_alternative<control::Refused>(answer.body) && streams_.erase(answer.id) != 0;
        if (is_end || std::holds_alternative<control::Message>(answer.body)) {
            inbox_.push_back(std::move(answer));
        }
    }

    // When a ping has to be sent; once it is, when its answer has to be here.
    Clock::time_point keep_alive_due() const {
        if (keep_alive_id_ != 0) return sent_ + answer_timeout_;
        return streams_.empty() ? Clock::time_point::max() : sent_ + keep_alive_interval;
    }

    void keep_alive() {
        if (keep_alive_id_ != 0 || Clock::now() < keep_alive_due()) return;
        keep_alive_id_ = next_id_++;
        send(control::Request{keep_alive_id_, control::Ping{}});
    }

    void send(const control::Request& request) {
        // A full queue drops the request, and shows as no answer.
        (void)socket_.send(zmq::buffer(control::encode(request)), zmq::send_flags::dontwait);
        sent_ = Clock::now();
    }

    // None if none came in time. An answer that has arrived is read even if the daemon is gone.
    Result<std::optional<control::Answer>, Failure> receive(Clock::time_point until) {
        if (lost_) return Unexpected{*lost_};
        for (;;) {
            zmq::message_t bytes;
            if (socket_.recv(bytes, zmq::recv_flags::dontwait)) {
                auto answer = control::decode_answer(bytes.to_string_view());
                if (!answer)
                    return Unexpected{lose("its answer cannot be read: " + answer.error())};
                return std::optional(std::move(*answer));
            }
            if (auto no = read_monitor()) return Unexpected{*no};
            if (!wait(until)) return std::optional<control::Answer>();
        }
    }

    // False when the time has come and nothing else has.
    bool wait(Clock::time_point until) {
        const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now()).count();
        zmq_pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                                  {monitor_.handle(), 0, ZMQ_POLLIN, 0}};
        constexpr Milliseconds::rep hour = 3'600'000;
        const auto timeout = static_cast<long>(std::clamp<Milliseconds::rep>(left, 0, hour));
        const int ready = zmq_poll(static_cast<zmq_pollitem_t*>(items), 2, timeout);
        return ready != 0 || Clock::now() < until;  // -1 is a signal's doing
    }

    // Connects if that has not been done, and waits until the daemon has shaken hands.
    std::optional<Failure> connect() {
        if (lost_ || is_up_) return lost_;
        if (endpoint_.compare(0, ipc.size(), ipc) == 0) {
            const std::string reason = why_not_connectable(endpoint_.substr(ipc.size()));
            if (!reason.empty()) return lose(reason);
        }
        if (zmq_socket_monitor(socket_.handle(), monitor_endpoint, ZMQ_EVENT_ALL) != 0) {
            return lose(zmq_strerror(zmq_errno()));
        }
        monitor_.connect(monitor_endpoint);
        if (zmq_connect(socket_.handle(), endpoint_.c_str()) != 0) {
            return lose(zmq_strerror(zmq_errno()));
        }
        const auto until = Clock::now() + answer_timeout_;
        while (!is_up_) {
            if (auto no = read_monitor()) return no;
            if (!is_up_ && !wait(until)) return lose("no connection in time");
        }
        return std::nullopt;
    }

    std::optional<Failure> read_monitor() {
        zmq::message_t event, address;
        while (monitor_.recv(event, zmq::recv_flags::dontwait)) {
            (void)monitor_.recv(address, zmq::recv_flags::dontwait);
            std::uint16_t kind = 0;
            if (event.size() < sizeof kind) continue;
            std::memcpy(&kind, event.data(), sizeof kind);
            switch (kind) {
                case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: is_up_ = true; break;
                case ZMQ_EVENT_DISCONNECTED:
                    return lose(is_up_ ? "it closed the connection" : "no roostd answers there");
                case ZMQ_EVENT_CLOSED:
                case ZMQ_EVENT_CONNECT_RETRIED: return lose("connection refused");
                case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return lose("no roostd answers there");
                default: break;
            }
        }
        return std::nullopt;
    }

    Failure lose(const std::string& reason) {
        lost_ = failure(Failure::Kind::no_daemon, "no daemon at " + endpoint_ + ": " + reason);
        return *lost_;
    }
    Failure silence() const {
        return failure(Failure::Kind::gave_up, "the daemon at " + endpoint_ + " does not answer");
    }
    static Failure refused(const control::Refused& no) {
        return {Failure::Kind::refused, no.code, no.text};
    }

    const std::string endpoint_;
    const Milliseconds answer_timeout_;
    zmq::context_t context_;
    zmq::socket_t socket_{context_, zmq::socket_type::dealer};
    zmq::socket_t monitor_{context_, zmq::socket_type::pair};
    bool is_up_ = false;
    std::optional<Failure> lost_;
    std::uint64_t next_id_ = 1;
    std::set<std::uint64_t> streams_;
    std::deque<control::Answer> inbox_;  // messages, and refusals that end a stream
    std::uint64_t keep_alive_id_ = 0;    // of the ping that is not yet answered
    Clock::time_point sent_;
};

Connection::Connection(std::string endpoint, Milliseconds answer_timeout)
    : impl_(std::make_unique<Impl>(std::move(endpoint), answer_timeout)) {}

Connection::~Connection() = default;

Result<control::Pong, Failure> Connection::ping() {
    return impl_->ask<control::Pong>(control::Ping{});
}

Result<control::NodeList, Failure> Connection::nodes() {
    return impl_->ask<control::NodeList>(control::Nodes{});
}

Result<control::TopicList, Failure> Connection::topics() {
    return impl_->ask<control::TopicList>(control::Topics{});
}

Result<control::EventBatch, Failure> Connection::events(const std::string& after,
                                                        Milliseconds wait) {
    const auto most = Milliseconds(control::events_wait_ms_max);
    const auto wait_ms = std::clamp(wait, Milliseconds(0), most).count();
    return impl_->ask<control::EventBatch>(
        control::Events{after, control::events_an_answer_max, static_cast<std::uint64_t>(wait_ms)},
        Milliseconds(wait_ms));
}

Result<control::SessionList, Failure> Connection::sessions(const std::string& after,
                                                           const std::string& user) {
    return impl_->ask<control::SessionList>(control::Sessions{after, user});
}

Result<control::Replied, Failure> Connection::ask(control::Ask push) {
    return impl_->ask<control::Replied>(std::move(push));
}

Result<control::Published, Failure> Connection::publish(std::string_view topic,
                                                        std::string_view event,
                                                        std::string_view payload,
                                                        std::string_view message_id) {
    return impl_->ask<control::Published>(control::Publish{
        std::string(topic), std::string(event), std::string(payload), std::string(message_id)});
}

Result<control::Published, Failure> Connection::publish_bytes(std::string_view topic,
                                                              std::string_view event,
                                                              std::string_view bytes,
                                                              std::string_view message_id) {
    return impl_->ask<control::Published>(control::Publish{
        std::string(topic), std::string(event), std::string(bytes), std::string(message_id), true});
}

Result<control::PublishedMany, Failure> Connection::publish(control::PublishMany publish) {
    return impl_->ask<control::PublishedMany>(std::move(publish));
}

Result<control::Kicked, Failure> Connection::kick(const SessionId& session, bool is_final) {
    return impl_->ask<control::Kicked>(control::Kick{session, is_final});
}

Result<std::uint64_t, Failure> Connection::subscribe(std::vector<std::string> topics) {
    return impl_->subscribe(std::move(topics));
}

Result<control::Unsubscribed, Failure> Connection::unsubscribe(std::uint64_t stream) {
    return impl_->unsubscribe(stream);
}

Result<std::optional<control::Message>, Failure> Connection::next(Milliseconds wait) {
    return impl_->next(wait);
}

}  // namespace roost
