#include "daemon/key_file.hpp"

#include "daemon/edge/start_error.hpp"
#include "proto/secret_file.hpp"

namespace roost {

std::vector<GroupKey> read_key_file(const std::string& path) {
    const auto fail = [&](const std::string& text) {
        return StartError(exit_code::configuration, "--group-key-file " + path + ": " + text);
    };
    const auto file = read_secret_file(path);
    if (!file) throw fail(file.error() + " (roost keygen --out makes one)");
    if (file->is_readable_by_others) throw fail(std::string(readable_by_others));
    auto keys = parse_group_keys(file->text);
    if (!keys) throw fail(keys.error());
    return std::move(*keys);
}

}  // namespace roost
