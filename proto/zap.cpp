#include "proto/zap.hpp"

#include <sodium.h>

#include <algorithm>

namespace roost::zap {

namespace {

constexpr const char* version = "1.0";
constexpr std::size_t parts = 7;  // of a question about CURVE
enum Part { version_part, id_part, domain_part, address_part, identity_part, mechanism_part };

bool is_admitted(const std::vector<std::string>& question, const std::vector<GroupKey>& admitted) {
    if (question.size() != parts || question[version_part] != version) return false;
    if (question[domain_part] != domain || question[mechanism_part] != "CURVE") return false;
    const std::string& caller = question.back();
    return caller.size() == sizeof(GroupKey) &&
           std::any_of(admitted.begin(), admitted.end(), [&](const GroupKey& key) {
               return sodium_memcmp(caller.data(), key.data(), key.size()) == 0;
           });
}

}  // namespace

Verdict judge(const std::vector<std::string>& question, const std::vector<GroupKey>& admitted) {
    Verdict verdict;
    verdict.is_admitted = is_admitted(question, admitted);
    if (question.size() > address_part) verdict.address = question[address_part];
    const std::string id = question.size() > id_part ? question[id_part] : "";
    if (verdict.is_admitted) {
        verdict.answer = {version, id, "200", "OK", "", ""};
    } else {
        verdict.answer = {version, id, "400", "no key of this group", "", ""};
    }
    return verdict;
}

}  // namespace roost::zap
