// words: the arguments of bench_load, NAME=VALUE each.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace roost::bench {

class Words {
public:
    // The first is a load; it is not one of these.
    explicit Words(const std::vector<std::string>& words) {
        for (std::size_t i = 1; i < words.size(); ++i) {
            const auto equals = words[i].find('=');
            if (equals == std::string::npos) {
                throw std::invalid_argument("'" + words[i] + "' must be NAME=VALUE");
            }
            values_.emplace(words[i].substr(0, equals), words[i].substr(equals + 1));
        }
    }

    std::vector<std::string> all(const std::string& name) {
        known_.insert(name);
        std::vector<std::string> found;
        const auto [begin, end] = values_.equal_range(name);
        for (auto at = begin; at != end; ++at) found.push_back(at->second);
        return found;
    }
    std::string text(const std::string& name, const std::string& otherwise) {
        const auto found = all(name);
        return found.empty() ? otherwise : found.back();
    }
    std::size_t number(const std::string& name, std::size_t otherwise) {
        const auto found = all(name);
        return found.empty() ? otherwise : std::stoul(found.back());
    }
    // What nobody has asked for is a mistake.
    void require_known() const {
        for (const auto& [name, value] : values_) {
            if (!known_.contains(name)) throw std::invalid_argument("there is no " + name);
        }
    }

private:
    std::multimap<std::string, std::string> values_;
    std::set<std::string> known_;
};

}  // namespace roost::bench
