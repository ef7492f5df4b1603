// zap: libzmq's question to its own process whether a caller may come in, and the answer (ZAP 1.0).
//
//   question: "1.0" | request id | domain | address | identity | mechanism | credentials ...
//   answer:   "1.0" | request id | status code | status text | user id | metadata
//
// With the mechanism CURVE there is one credential: the caller's public key, 32 bytes, which it has
// proved to hold the secret of.
#pragma once

#include <string>
#include <vector>

#include "proto/group_key.hpp"

namespace roost::zap {

inline constexpr const char* endpoint = "inproc://zeromq.zap.01";
inline constexpr const char* domain = "roost";

struct Verdict {
    bool is_admitted = false;
    std::string address;  // the caller's, as far as the question was readable
    std::vector<std::string> answer;
};

// Admits callers whose public key is one of these, and no others, whatever the question.
Verdict judge(const std::vector<std::string>& question, const std::vector<GroupKey>& admitted);

}  // namespace roost::zap
