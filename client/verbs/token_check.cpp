#include <array>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <iterator>

#include "client/verbs/output.hpp"
#include "client/verbs/token.hpp"
#include "proto/json.hpp"
#include "proto/token.hpp"
#include "proto/token_key_files.hpp"

namespace roost::verbs {
namespace {

std::string token_of(const TokenArguments& arguments) {
    std::string text = arguments.token;
    if (text.empty() || text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    return text;
}

// 2026-11-24 15:18:00 UTC, in 59m
std::string time_for_people(std::int64_t at, std::int64_t now) {
    const std::time_t seconds = at;
    std::tm calendar{};
    std::array<char, 64> text{};
    if (gmtime_r(&seconds, &calendar) == nullptr) return std::to_string(at);
    const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &calendar);
    const auto distance = for_people(static_cast<std::uint64_t>(std::abs(at - now)) * 1000);
    const std::string when = at > now ? "in " + distance : distance + " ago";
    return std::string(text.data(), size) + ", " + (at == now ? "now" : when);
}

// All that is known of a token, as far as it could be read.
struct Finding {
    std::optional<TokenParts> parts;
    const TokenKey* signer = nullptr;
    std::optional<TokenError> error;
};

Finding find(const TokenKeys& keys, const TokenPolicy& policy, const std::string& token,
             std::int64_t now) {
    JsonReader json;
    Finding finding;
    auto parts = open_token(token, json);
    if (!parts) {
        finding.error = parts.error();
        return finding;
    }
    finding.parts = std::move(*parts);
    const auto signer = signer_of(keys, *finding.parts);
    if (!signer) {
        finding.error = signer.error();
        return finding;
    }
    finding.signer = *signer;
    const auto claims = read_claims(finding.parts->claims, policy, now);
    if (!claims) finding.error = claims.error();
    return finding;
}

std::string name_of_key(const TokenKey& key) {
    return std::string(name_of(key.algorithm)) + ", " + key.source +
           (key.kid ? ", kid " + *key.kid : "");
}

void print_for_people(const Finding& finding, std::int64_t now) {
    if (!finding.parts) return;
    const auto& parts = *finding.parts;
    std::vector<std::vector<std::string>> rows{{"header", on_one_line(parts.header)},
                                               {"claims", on_one_line(parts.claims)}};
    constexpr std::array<std::array<const char*, 2>, 3> times{
        {{"iat", "issued"}, {"nbf", "not before"}, {"exp", "expires"}}};
    for (const auto& [claim, title] : times) {
        const auto raw = member(parts.claims, claim);
        const auto time = raw ? read_time(*raw) : std::nullopt;
        if (time) rows.push_back({title, time_for_people(*time, now)});
    }
    if (finding.signer != nullptr) {
        rows.push_back({"signed by", printable(name_of_key(*finding.signer))});
    }
    rows.push_back({"valid", finding.error ? "no" : "yes"});
    std::cout << table(rows);
}

void print_json(const Finding& finding) {
    JsonLine line;
    line.json("valid", finding.error ? "false" : "true");
    if (finding.error) line.text("reason", name_of(*finding.error));
    if (finding.parts) {
        line.json("header", on_one_line(finding.parts->header));
        line.json("claims", on_one_line(finding.parts->claims));
    }
    if (finding.signer != nullptr) {
        line.text("key_file", finding.signer->source);
        if (finding.signer->kid) line.text("kid", *finding.signer->kid);
    }
    std::cout << line.line() << '\n';
}

}  // namespace

int check(const Options& options, const TokenArguments& arguments) {
    const auto keys = read_token_key_files(arguments.key_files);
    if (!keys) {
        std::cerr << "roost: " << printable(keys.error()) << '\n';
        return exit_code::refused;
    }
    for (const auto& sentence : keys->ignored) {
        std::cerr << "roost: not used: " << printable(sentence) << '\n';
    }
    TokenPolicy policy;
    policy.audience = arguments.audience;
    policy.issuer = arguments.issuer;
    const auto now = now_unix();
    const Finding finding = find(*keys, policy, token_of(arguments), now);
    if (options.json) {
        print_json(finding);
    } else {
        print_for_people(finding, now);
    }
    if (!finding.error) return exit_code::ok;
    if (!options.json) {
        std::cout.flush();
        std::cerr << "roost: the token " << sentence_of(*finding.error) << '\n';
    }
    return exit_code::refused;
}

}  // namespace roost::verbs
