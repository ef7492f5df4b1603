#include "tests/bench/core/bench_node.hpp"

#include <stdexcept>

namespace roost::bench {

namespace {

// As long on the wire as a real one.
Incarnation incarnation_of(std::uint8_t index) {
    return 0x4000'0000'0000'0000U + index;
}

std::string host_of(unsigned index) {
    return "10.0.0." + std::to_string(index);
}

HubLimits limits() {
    HubLimits made;
    made.channels_max = 1'000'000;
    made.joins_max = 0;
    made.messages_max = 0;
    return made;
}

GroupConfig group_config(std::uint8_t index) {
    GroupConfig made;
    made.name = "node" + std::to_string(index);
    made.incarnation = incarnation_of(index);
    made.router_port = 7370;
    made.pub_port = 7371;
    made.beacon = false;
    made.peers = {{host_of(1U - index), 7370}};
    return made;
}

}  // namespace

BenchNode::BenchNode(std::uint8_t index)
    : index_(index),
      hub_(Origin{incarnation_of(index), 0}, rules_, limits(), *this, *this),
      group_(group_config(index), *this, now_) {}

void BenchNode::want(Bucket bucket, Ticket ticket) {
    letters_.emplace_back([=, this] { group_.on_want(0, bucket, ticket); });
}

void BenchNode::release(Bucket bucket) {
    letters_.emplace_back([=, this] { group_.on_release(0, bucket, now_); });
}

void BenchNode::live(Holder, Bucket bucket, Ticket ticket) {
    letters_.emplace_back([=, this] { hub_.on_live(bucket, ticket, now_); });
}

void BenchNode::close(SocketId, CloseCode code) {
    throw std::logic_error("a connection is closed: " + std::to_string(static_cast<int>(code)));
}

bool BenchNode::to_contact(ContactId contact, std::string_view bytes) {
    if (other_ == nullptr) return false;
    other_->letters_.emplace_back([to = other_, from = index_, contact, text = std::string(bytes)] {
        to->group_.on_call(std::to_string(contact), host_of(from), text, to->now_);
    });
    return true;
}

bool BenchNode::answer(const std::string& route, std::string_view bytes) {
    const auto contact = static_cast<ContactId>(std::stoul(route));
    other_->letters_.emplace_back([to = other_, contact, text = std::string(bytes)] {
        to->group_.on_answer(contact, text, to->now_);
    });
    return true;
}

void BenchNode::listen_to(const Endpoint&, std::size_t) {
    for (const auto& key : subscriptions_) {
        other_->letters_.emplace_back([to = other_, key] { to->group_.on_subscription(key); });
    }
}

void BenchNode::subscribe(std::string_view key) {
    subscriptions_.emplace(key);
    if (other_ == nullptr) return;
    other_->letters_.emplace_back(
        [to = other_, key = std::string(key)] { to->group_.on_subscription(key); });
}

void BenchNode::unsubscribe(std::string_view key) {
    const auto found = subscriptions_.find(key);
    if (found != subscriptions_.end()) subscriptions_.erase(found);
}

void BenchNode::publish(std::string_view bytes) {
    if (other_ == nullptr) return;
    for (const auto& key : other_->subscriptions_) {
        if (bytes.starts_with(key)) return other_->published_.emplace_back(bytes), void();
    }
}

void BenchNode::end_turn() {
    for (const auto& message : local_) group_.on_local(message, now_);
    local_.clear();
    group_.end_of_turn(now_);
    hub_.flush();
}

void BenchNode::take_published() {
    for (const auto& bytes : published_) group_.on_published(bytes, now_);
    published_.clear();
    for (const auto& message : delivered_) hub_.on_broadcast(message, now_);
    delivered_.clear();
    group_.end_of_turn(now_);
    hub_.flush();
}

bool BenchNode::take_letters() {
    if (letters_.empty() && published_.empty() && local_.empty()) return false;
    while (!letters_.empty()) {
        const auto letter = std::move(letters_.front());
        letters_.pop_front();
        letter();
    }
    end_turn();
    take_published();
    return true;
}

void BenchNode::settle() {
    end_turn();
    while (take_letters() || (other_ != nullptr && other_->take_letters())) {
    }
}

void BenchNode::run_for(Duration duration) {
    constexpr Duration step = std::chrono::milliseconds(50);
    for (Duration passed{}; passed < duration; passed += step) {
        for (BenchNode* node : {this, other_}) {
            if (node == nullptr) continue;
            node->now_ += step;
            node->group_.tick(node->now_);
            node->hub_.tick(node->now_);
        }
        settle();
    }
}

}  // namespace roost::bench
