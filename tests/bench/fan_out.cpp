#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/crowd.hpp"
#include "tests/bench/loads.hpp"
#include "tests/bench/process.hpp"

namespace roost::bench {

namespace {

constexpr std::size_t payload_bytes = 128;
constexpr std::size_t number_digits = 8;
constexpr std::size_t warm_up_turns = 20;
constexpr int loss_wait = 10'000;
// What the server makes of a push, up to the number.
constexpr std::string_view broadcast_start = R"([null,null,"bench","m",{"n":")";
constexpr std::string_view push_start = R"(["1","2","bench","m",)";

std::string push_of(std::size_t number) {
    const std::string digits = std::to_string(number);
    std::string payload = R"({"n":")" + std::string(number_digits - digits.size(), '0') + digits;
    payload += R"(","pad":")";
    payload.append(payload_bytes - payload.size() - 2, 'x').append(R"("})");
    return text_frame(std::string(push_start) + payload + "]");
}

std::size_t number_in(std::string_view content) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < number_digits; ++i) {
        number = number * 10 + static_cast<std::size_t>(content[broadcast_start.size() + i] - '0');
    }
    return number;
}

class FanOut {
public:
    FanOut(const Server& server, std::size_t subscribers)
        : crowd_(server.port), expected_(subscribers, 0) {
        crowd_.join(subscribers, [](std::size_t) { return "bench"; });
    }

    // False when something did not come.
    bool turn(std::size_t messages) {
        frames_.clear();
        for (std::size_t i = 0; i < messages; ++i) frames_ += push_of(published_++);
        crowd_.send(0, frames_);
        while (delivered_ < published_ * expected_.size()) {
            if (!crowd_.read(loss_wait, on_text_)) return false;
        }
        return true;
    }

    std::size_t delivered() const { return delivered_; }
    std::size_t lost() const { return published_ * expected_.size() - delivered_; }
    std::size_t out_of_order() const { return out_of_order_; }

private:
    void take(std::size_t client, std::string_view content) {
        if (content[1] != 'n') return;  // the publisher's replies begin with its join_ref
        const std::size_t number = number_in(content);
        if (number != expected_[client]) ++out_of_order_;
        expected_[client] = number + 1;
        ++delivered_;
    }

    Crowd crowd_;
    std::vector<std::size_t> expected_;
    Crowd::OnText on_text_ = [this](std::size_t client, std::string_view content) {
        take(client, content);
    };
    std::string frames_;
    std::size_t published_ = 0;
    std::size_t delivered_ = 0;
    std::size_t out_of_order_ = 0;
};

}  // namespace

bool fan_out(const Server& server, std::size_t subscribers, std::size_t messages,
             std::size_t messages_a_turn) {
    FanOut load(server, subscribers);
    bool is_whole = true;
    for (std::size_t i = 0; i < warm_up_turns && is_whole; ++i)
        is_whole = load.turn(messages_a_turn);

    const std::size_t before = load.delivered();
    const double server_cpu = cpu_seconds(server.process);
    const double own_cpu = own_cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < messages / messages_a_turn && is_whole; ++i) {
        is_whole = load.turn(messages_a_turn);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    const double server_used = cpu_seconds(server.process) - server_cpu;
    const double own_used = own_cpu_seconds() - own_cpu;

    const auto deliveries = static_cast<double>(load.delivered() - before);
    std::printf("deliveries %.0f\n", deliveries);
    std::printf("server_cpu_us_per_delivery %.3f\n", server_used * 1e6 / deliveries);
    std::printf("deliveries_per_second %.0f\n", deliveries / time.count());
    std::printf("server_busy_percent %.0f\n", server_used * 100 / time.count());
    std::printf("load_busy_percent %.0f\n", own_used * 100 / time.count());
    std::printf("lost %zu\n", load.lost());
    std::printf("out_of_order %zu\n", load.out_of_order());
    return load.lost() == 0 && load.out_of_order() == 0;
}

}  // namespace roost::bench
