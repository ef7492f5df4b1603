#include "daemon/node.hpp"

#include <algorithm>

#include "daemon/doubts.hpp"
#include "daemon/edge/listener.hpp"
#include "daemon/edge/log.hpp"
#include "proto/token_key_files.hpp"

namespace roost {

namespace {

constexpr std::size_t shards_with_fabric_max = 2;
constexpr auto hand_over_interval = std::chrono::milliseconds(50);
// For a request to come from the node where a client polls, and the answer back.
constexpr auto poll_grace = std::chrono::seconds(5);
constexpr auto hand_over_grace = std::chrono::seconds(5);

FabricConfig fabric_config(const Options& options, Incarnation incarnation) {
    FabricConfig config;
    GroupConfig& group = config.group;
    group.group = options.group;
    group.name = options.name;
    group.incarnation = incarnation;
    const bool is_wildcard = options.group_listen.is_wildcard();
    group.advertised_host = is_wildcard ? "" : options.group_listen.host;
    group.router_port = options.group_listen.port;
    if (options.advertise) {
        group.advertised_host = options.advertise->host;
        if (options.advertise->port != 0) group.router_port = options.advertise->port;
    }
    group.pub_port = static_cast<std::uint16_t>(group.router_port + 1);
    group.peers = options.peers;
    group.beacon = options.has_beacon;
    group.fence_timeout = options.fence_timeout;
    group.interest_bits = options.interest_bits;
    group.repair_buffer = options.repair_buffer;
    group.repair_wait = options.repair_wait;
    group.rules = Rules(options.rules);
    group.history_memory = options.history_memory;
    group.dedup_window = options.dedup_window;
    group.poll_wait = options.poll_window + poll_grace;
    config.queue_bytes_max = options.group_queue_bytes;
    config.desk = {ROOST_VERSION, options.shards, options.frame_bytes_max,
                   DeskConfig{}.client_silence_max};
    config.handlers = options.handlers;
    constexpr unsigned serial_bits = 32;
    config.handlers.numbers_from = (incarnation & 0xf'ffff) << serial_bits;
    config.handlers.payload_bytes_max = options.frame_bytes_max;
    config.events.is_on = options.has_events;
    config.events.bytes_max = options.events_memory;
    config.listen = options.group_listen;
    config.keys = options.group_keys;
    group.keys = std::max<std::size_t>(1, options.group_keys.size());
    config.control = options.control;
    config.beacon.port = options.beacon_port;
    config.beacon.addresses = options.beacon_addresses;
    config.beacon.is_loopback_only = options.group_listen.is_loopback();
    return config;
}

}  // namespace

Node::Node(const Options& options, Incarnation incarnation)
    : options_(options),
      rules_(options.rules, !options.tokens.keys->keys.empty()),
      door_(options.door.rules(), facts_),
      board_(options.shards) {
    say_what_is_doubtful(options_);
    context_.set(zmq::ctxopt::max_sockets, 8192);
    const bool has_uring = is_uring_wanted(options_.io_uring);
    auto listeners = open_listeners(options_.door.listen, options_.shards);
    for (std::size_t i = 0; i < options_.shards; ++i) {
        loops_.push_back(std::make_unique<Loop>());
        ShardConfig config;
        config.index = static_cast<std::uint8_t>(i);
        config.incarnation = incarnation;
        config.limits = options_.limits;
        config.token_keys = options_.tokens.keys;
        config.token_policy = options_.tokens.policy;
        config.clients = {std::move(listeners[i]),
                          options_.door.certificate,
                          options_.socket_path,
                          options_.frame_bytes_max,
                          options_.has_try_page,
                          options_.has_long_poll,
                          {options_.poll_window, options_.frame_bytes_max},
                          {incarnation, config.index},
                          has_uring,

                          options_.api.keys};
        shards_.push_back(
            std::make_unique<Shard>(*loops_.back(), config, rules_, door_, board_, facts_));
    }
    if (options_.shards > shards_with_fabric_max) loops_.push_back(std::make_unique<Loop>());
    Loop& fabric_loop = options_.shards > shards_with_fabric_max ? *loops_.back() : *loops_.front();
    fabric_ = std::make_unique<Fabric>(fabric_loop, context_, fabric_config(options_, incarnation),
                                       board_, facts_);

    std::vector<Mailbox<ShardLetter>*> mailboxes;
    for (const auto& shard : shards_) mailboxes.push_back(&shard->mailbox());
    fabric_->connect(mailboxes);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        auto others = mailboxes;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
        shards_[i]->connect(fabric_->mailbox(), std::move(others));
    }
}

Node::~Node() {
    for (const auto& loop : loops_) loop->stop();
    for (auto& thread : threads_) thread.join();
    remove_unix_sockets(options_.door.listen);
}

void Node::reload() {
    if (options_.door.certificate) reload_certificate();
    if (!options_.tokens.key_files.empty()) reload_token_keys();
    if (!options_.door.certificate && options_.tokens.key_files.empty()) {
        log_line(LogLevel::info,
                 "nothing to load again: there is no --tls-cert and no --token-key-file");
    }
}

void Node::reload_token_keys() {
    auto keys = read_token_key_files(options_.tokens.key_files);
    if (!keys) {
        log_line(LogLevel::error, "the token keys stay as they were: " + keys.error());
        return;
    }
    say_token_keys(*keys);
    const auto shared = std::make_shared<const TokenKeys>(std::move(*keys));
    for (const auto& shard : shards_) shard->mailbox().insist(TokenKeysRenewed{shared});
}

void Node::reload_certificate() {
    const DoorOptions& door = options_.door;
    const auto certificate = Certificate::load(door.certificate_file, door.key_file);
    if (!certificate) {
        log_line(LogLevel::error, "the certificate stays as it was: " + certificate.error());
        return;
    }
    say_certificate(**certificate);
    for (const auto& shard : shards_) shard->mailbox().insist(CertificateRenewed{*certificate});
}

void Node::start() {
    for (const auto& loop : loops_) {
        threads_.emplace_back([&loop = *loop] { loop.run(); });
    }
    board_.is_ready = true;
}

void Node::hand_over() {
    const auto connections = board_.shards().connections;
    const auto drain = std::chrono::milliseconds(1000 * connections / options_.drain_rate);
    const auto deadline = std::chrono::steady_clock::now() + drain + hand_over_grace;
    const auto per_interval = options_.drain_rate * hand_over_interval.count() / 1000;
    const auto most = std::max<std::size_t>(1, per_interval / shards_.size());
    auto before = board_.beats();
    while (std::chrono::steady_clock::now() < deadline) {
        for (const auto& shard : shards_) shard->mailbox().insist(HandOver{most});
        std::this_thread::sleep_for(hand_over_interval);
        // A figure counts once every loop has posted it since the last look.
        const auto beats = board_.beats();
        const bool is_fresh =
            std::equal(beats.begin(), beats.end(), before.begin(), std::not_equal_to<>());
        if (is_fresh && board_.shards().connections == 0) return;
        if (is_fresh) before = beats;
    }
}

void Node::stop() {
    board_.is_ready = false;
    for (const auto& shard : shards_) shard->mailbox().insist(StopListening{});
    hand_over();
    fabric_->mailbox().insist(Goodbye{});
    for (const auto& loop : loops_) loop->stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

std::string Node::status_line() const {
    const auto clients = board_.shards();
    return std::to_string(clients.connections) + " clients, " + std::to_string(clients.topics) +
           " topics, " + std::to_string(board_.fabric().peers) + " other nodes";
}

}  // namespace roost
