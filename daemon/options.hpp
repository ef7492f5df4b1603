// options: what the operator asks for: flags, environment, file, defaults, in this order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/api_options.hpp"
#include "daemon/core/handlers.hpp"
#include "daemon/core/hub.hpp"
#include "daemon/core/rules.hpp"
#include "daemon/door_options.hpp"
#include "daemon/edge/log.hpp"
#include "daemon/edge/uring.hpp"
#include "daemon/question_options.hpp"
#include "daemon/token_options.hpp"
#include "proto/endpoint.hpp"
#include "proto/group_key.hpp"

namespace roost {

struct Options {
    Questions questions;
    DoorOptions door;
    TokenOptions tokens;
    ApiOptions api;
    std::string socket_path = "/socket";
    std::string name;
    std::string group = "roost";
    std::vector<GroupKey> group_keys;  // of the file that was named
    Endpoint group_listen{"127.0.0.1", 7370};
    std::optional<Endpoint> advertise;  // port 0: that of group_listen
    std::vector<Endpoint> peers;
    std::vector<std::string> beacon_addresses;
    bool has_beacon = true;
    std::uint16_t beacon_port = 7370;
    std::string control;
    std::size_t shards = 1;
    std::vector<Rule> rules;
    std::vector<std::string> rule_texts;  // as they were given
    std::string rules_place;              // where, to follow "rule 1 of 2 "
    Duration fence_timeout = std::chrono::seconds(2);
    unsigned interest_bits = bucket_bits_max;
    std::size_t repair_buffer = 64'000'000;
    Duration repair_wait = std::chrono::seconds(5);
    std::size_t group_queue_bytes = 256'000'000;
    std::size_t history_memory = 64'000'000;
    Duration dedup_window = std::chrono::seconds(120);
    HandlersConfig handlers;
    std::size_t events_memory = 16'000'000;
    HubLimits limits;
    std::size_t frame_bytes_max = 1'000'000;
    std::size_t drain_rate = 5000;
    Duration poll_window = std::chrono::seconds(10);
    bool has_try_page = false;
    bool has_long_poll = true;
    bool has_events = false;
    UringMode io_uring = UringMode::automatic;
    LogLevel log_level = LogLevel::info;
};

struct ParsedOptions {
    std::optional<Options> options;
    int exit_code = 0;  // without options: the process ends with it
};

// Prints help, version and errors itself.
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace roost
