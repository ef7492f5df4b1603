#include "proto/token_key_files.hpp"

#include "proto/secret_file.hpp"

namespace roost {

namespace {

Unexpected<std::string> wrong(const std::string& path, std::string_view text) {
    return {path + ": " + std::string(text)};
}

}  // namespace

Result<TokenKeys, std::string> read_token_key_files(const std::vector<std::string>& paths) {
    TokenKeys all;
    for (const auto& path : paths) {
        const auto file = read_secret_file(path);
        if (!file) return wrong(path, file.error());
        const auto found = parse_token_keys(file->text);
        if (!found) return wrong(path, found.error());
        if (found->has_secret() && file->is_readable_by_others) {
            return wrong(path, readable_by_others);
        }
        for (const auto& sentence : found->ignored) {
            all.ignored.push_back(wrong(path, sentence).error);
        }
        for (auto key : found->keys) {
            if (all.keys.size() == token_keys_max) {
                return wrong(path, "it holds a key too many: give 16 in all, or fewer");
            }
            key.source = path;
            all.keys.push_back(std::move(key));
        }
    }
    return all;
}

Result<SigningKey, std::string> read_signing_key_file(const std::string& path,
                                                      const std::optional<std::string>& kid) {
    const auto file = read_secret_file(path);
    if (!file) return wrong(path, file.error());
    auto key = parse_signing_key(file->text, kid);
    if (!key) return wrong(path, key.error());
    if (file->is_readable_by_others) return wrong(path, readable_by_others);
    return key;
}

}  // namespace roost
