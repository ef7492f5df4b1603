#include "client/publisher.hpp"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

namespace roost {

namespace {
constexpr std::chrono::milliseconds answer_wait(5000);
constexpr std::chrono::milliseconds pause(200);
}  // namespace

Publisher::Publisher(std::string endpoint, Milliseconds patience)
    : endpoint_(std::move(endpoint)), patience_(patience) {
    std::random_device random;
    for (int i = 0; i < 4; ++i) id_prefix_ += std::to_string(random()) + '-';
}

Result<control::Published, Failure> Publisher::publish(const control::Publish& message) {
    const auto until = std::chrono::steady_clock::now() + patience_;
    const std::string id = id_prefix_ + std::to_string(++published_);
    while (true) {
        if (!daemon_) {
            daemon_ = std::make_unique<Connection>(endpoint_, std::min(answer_wait, patience_));
        }
        auto published =
            message.is_binary
                ? daemon_->publish_bytes(message.topic, message.event, message.payload, id)
                : daemon_->publish(message.topic, message.event, message.payload, id);
        // What was refused would be again.
        if (published || published.error().kind == Failure::Kind::refused) return published;
        daemon_.reset();
        if (std::chrono::steady_clock::now() + pause >= until) return published;
        std::this_thread::sleep_for(pause);
    }
}

Result<control::Published, Failure> Publisher::publish(std::string_view topic,
                                                       std::string_view event,
                                                       std::string_view payload) {
    return publish({std::string(topic), std::string(event), std::string(payload), {}, false});
}

Result<control::Published, Failure> Publisher::publish_bytes(std::string_view topic,
                                                             std::string_view event,
                                                             std::string_view bytes) {
    return publish({std::string(topic), std::string(event), std::string(bytes), {}, true});
}

}  // namespace roost
