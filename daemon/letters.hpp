// letters: what the loops of one node say to each other. FIFO for each pair of loops.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/interest.hpp"
#include "daemon/core/replay.hpp"
#include "daemon/edge/certificate.hpp"
#include "proto/broadcast.hpp"
#include "proto/control.hpp"
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
using ShardLetter = std::variant<BroadcastRef, Gap, BucketLive, Resumed, TopicsQuestion,
                                 StopListening, HandOver, CertificateRenewed, TokenKeysRenewed>;

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
struct Goodbye {};
using FabricLetter =
    std::variant<BroadcastRef, BucketWanted, BucketReleased, ResumeWanted, TopicsAnswer, Goodbye>;

}  // namespace roost
