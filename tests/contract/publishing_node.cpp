#include "tests/contract/publishing_node.hpp"

#include <algorithm>
#include <ctime>

namespace roost::contract {

namespace {

Time now() {
    return Time(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

template <class Work>
Duration time_of(Work work) {
    const Time started = now();
    work();
    return now() - started;
}

}  // namespace

PublishingNode::PublishingNode(const std::vector<GroupKey>& keys) {
    GroupSocketEvents on;
    on.on_subscription = [this](std::string_view key) { on_subscription(key); };
    bound_ = bind_anywhere(edge_.loop(), keys, std::move(on));
    edge_.loop().every(stream_interval, [this] {
        if (is_streaming_) stream_on();
    });
    edge_.start([this] {
        bool is_busy = false;
        const Duration taken = time_of([&] { is_busy = bound_.sockets->service(); });
        effort_.longest_service = std::max(effort_.longest_service, taken);
        return is_busy;
    });
}

PublishingNode::~PublishingNode() {
    edge_.stop();
}

const std::vector<std::string>& PublishingNode::topics() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> topics(std::size_t{1} << bucket_bits_max);
        std::size_t found = 0;
        for (std::uint64_t i = 0; found < topics.size(); ++i) {
            std::string topic = "room:" + std::to_string(i);
            std::string& place = topics[bucket_of(topic)];
            if (!place.empty()) continue;
            place = std::move(topic);
            ++found;
        }
        return topics;
    }();
    return all;
}

void PublishingNode::on_subscription(std::string_view key) {
    const auto fence = group::fence_of(key);
    if (!fence) return;
    ++fences_[fence->id];
    ++fences_seen_;
    bound_.sockets->publish(group::encode(group::FenceAnswer{*fence, publisher_incarnation, {}}));
}

void PublishingNode::stream_on() {
    const Time time = now();
    if (turned_ != Time{}) effort_.longest_turn = std::max(effort_.longest_turn, time - turned_);
    turned_ = time;
    const auto due = static_cast<std::uint64_t>((time - stream_started_) / stream_interval);
    while (streamed_ < due) {
        const auto message = Broadcast::encode({publisher_incarnation, stream_shard}, ++streamed_,
                                               {topics()[stream_bucket_], "tick", "1", ""});
        const Duration taken = time_of([&] { bound_.sockets->broadcast(message); });
        effort_.longest_publish = std::max(effort_.longest_publish, taken);
    }
}

void PublishingNode::start_stream(Bucket bucket) {
    topics();
    edge_.ask([&] {
        stream_bucket_ = bucket;
        stream_started_ = now();
        turned_ = stream_started_;
        is_streaming_ = true;
    });
}

std::uint64_t PublishingNode::stop_stream() {
    return edge_.ask([this] {
        is_streaming_ = false;
        return streamed_;
    });
}

void PublishingNode::publish(const std::vector<Bucket>& buckets, std::uint64_t number) {
    edge_.ask([&] {
        for (const Bucket bucket : buckets) {
            bound_.sockets->broadcast(Broadcast::encode({publisher_incarnation, probe_shard},
                                                        number,
                                                        {topics()[bucket], "probe", "1", ""}));
        }
    });
}

std::size_t PublishingNode::fences_seen(const group::FenceId& id) {
    return edge_.ask([&] {
        const auto found = fences_.find(id);
        return found == fences_.end() ? std::size_t{0} : found->second;
    });
}

std::size_t PublishingNode::fences_seen() {
    return edge_.ask([this] { return fences_seen_; });
}

PublishingNode::Effort PublishingNode::take_effort() {
    return edge_.ask([this] {
        turned_ = now();
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        const Duration cpu =
            std::chrono::seconds(time.tv_sec) +
            std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(time.tv_nsec));
        effort_.cpu = cpu - std::exchange(cpu_, cpu);
        return std::exchange(effort_, {});
    });
}

}  // namespace roost::contract
