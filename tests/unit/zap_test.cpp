#include "proto/zap.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace roost;
using Parts = std::vector<std::string>;

namespace {

const GroupKey first{1}, second{2}, foreign{3};
const std::vector<GroupKey> admitted = {first, second};

std::string bytes_of(const GroupKey& key) {
    return {key.begin(), key.end()};
}

Parts question(const std::string& credential, const std::string& mechanism = "CURVE") {
    return {"1.0", "id", "roost", "10.0.0.9", "", mechanism, credential};
}

}  // namespace

TEST_CASE("a caller with a key of the group is admitted") {
    for (const auto& key : admitted) {
        const auto verdict = zap::judge(question(bytes_of(key)), admitted);
        CHECK(verdict.is_admitted);
        CHECK(verdict.answer == Parts{"1.0", "id", "200", "OK", "", ""});
    }
}

TEST_CASE("a caller with another key is not admitted, and its address is told") {
    const auto verdict = zap::judge(question(bytes_of(foreign)), admitted);
    CHECK_FALSE(verdict.is_admitted);
    CHECK(verdict.address == "10.0.0.9");
    CHECK(verdict.answer == Parts{"1.0", "id", "400", "no key of this group", "", ""});
}

TEST_CASE("another mechanism, domain, version or length is not admitted") {
    const auto key = bytes_of(first);
    CHECK_FALSE(zap::judge(question(key, "NULL"), admitted).is_admitted);
    CHECK_FALSE(zap::judge(question(key, "PLAIN"), admitted).is_admitted);
    CHECK_FALSE(zap::judge(question(key + "x"), admitted).is_admitted);
    CHECK_FALSE(zap::judge(question(key.substr(1)), admitted).is_admitted);
    CHECK_FALSE(zap::judge(question(""), admitted).is_admitted);
    for (const std::size_t part : {0U, 2U}) {
        auto changed = question(key);
        changed[part] += "x";
        CHECK_FALSE(zap::judge(changed, admitted).is_admitted);
    }
    auto longer = question(key);
    longer.push_back(key);
    CHECK_FALSE(zap::judge(longer, admitted).is_admitted);
    CHECK_FALSE(zap::judge(question(key), {}).is_admitted);
}

TEST_CASE("a question of any number of parts has a whole answer") {
    std::mt19937 random(7);
    for (int i = 0; i < 5000; ++i) {
        Parts parts(random() % 12);
        for (auto& part : parts) part.assign(random() % 40, static_cast<char>(random()));
        const auto verdict = zap::judge(parts, admitted);
        CHECK_FALSE(verdict.is_admitted);
        CHECK(verdict.answer.size() == 6);
    }
}
