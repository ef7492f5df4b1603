// letters: what the loops of one node say to each other. FIFO for each pair of loops.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/delivery.hpp"
#include "daemon/core/handlers.hpp"
#include "daemon/core/happening.hpp"
#include "daemon/core/interest.hpp"
#include "daemon/core/replay.hpp"
#include "daemon/edge/certificate.hpp"
#include "proto/broadcast.hpp"
#include "proto/control.hpp"
#include "proto/long_poll.hpp"
#include "proto/token_keys.hpp"

namespace roost {

// To a shard.
struct BucketLive {
    Bucket bucket;
    Ticket ticket;
};
struct Resumed {
    Ticket ticket;
    Replay replay;
};
struct TopicsQuestion {
    std::uint64_t question;
};
struct StopListening {};
struct HandOver {
    std::size_t most;
};
struct CertificateRenewed {
    std::shared_ptr<const Certificate> certificate;
};
struct TokenKeysRenewed {
    std::shared_ptr<const TokenKeys> keys;
};
// Where an answer to a client that polls is to go: to a shard of this node, or, by the route that
// it came from, to another node.
struct PollReturn {
    Holder holder = 0;
    std::string route;
    std::uint64_t id = 0;
};
struct PollAsked {
    PollReturn from;
    PollRequest request;
};
struct PollDelivered {
    std::uint64_t id;
    PollAnswer answer;
};
struct BackendAnswered {
    std::uint64_t id;
    std::unique_ptr<backend::Outcome> outcome;
};
struct DeliveryWanted {
    std::uint64_t question;
    DeliveryRef delivery;
};
// What the desk says to a client of the HTTP API, as to one of the control socket.
struct ApiAnswered {
    std::string bytes;
};
using ShardLetter =
    std::variant<BroadcastRef, Gap, BucketLive, Resumed, TopicsQuestion, StopListening, HandOver,
                 CertificateRenewed, TokenKeysRenewed, PollAsked, PollDelivered, BackendAnswered,
                 DeliveryWanted, ApiAnswered>;

// To the fabric.
struct BucketWanted {
    Holder holder;
    Bucket bucket;
    Ticket ticket;
};
struct BucketReleased {
    Holder holder;
    Bucket bucket;
};
struct ResumeWanted {
    Holder holder;
    Ticket ticket;
    std::string topic;
    Since since;
};
struct TopicsAnswer {
    std::uint64_t question;
    std::vector<control::TopicRow> rows;
};
// A session of another shard or node.
struct PollForwarded {
    Holder holder;
    std::uint64_t id;
    PollRequest request;
};
struct PollAnswered {
    PollReturn to;
    PollAnswer answer;
};
struct BackendAsked {
    BackendAsker asker;
    std::unique_ptr<backend::Request> request;
};
struct BackendTakenBack {
    BackendAsker asker;
};
struct Happened {
    std::vector<Happening> happenings;
};
struct DeliveryCounted {
    std::uint64_t question;
    DeliveryCounts counts;
};
struct ApiAsked {
    Holder holder;
    std::unique_ptr<control::Request> request;
};
struct Goodbye {};
using FabricLetter = std::variant<BroadcastRef, BucketWanted, BucketReleased, ResumeWanted,
                                  TopicsAnswer, PollForwarded, PollAnswered, BackendAsked,
                                  BackendTakenBack, Happened, DeliveryCounted, ApiAsked, Goodbye>;

}  // namespace roost
