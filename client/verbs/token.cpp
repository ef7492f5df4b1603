#include "client/verbs/token.hpp"

#include <chrono>
#include <iostream>
#include <memory>

#include "client/verbs/output.hpp"
#include "proto/limits.hpp"
#include "proto/token.hpp"
#include "proto/token_key_files.hpp"
#include "proto/topic_pattern.hpp"

namespace roost::verbs {

std::int64_t now_unix() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

namespace {

int fail(const std::string& text) {
    std::cerr << "roost: " << printable(text) << '\n';
    return exit_code::refused;
}

std::vector<std::string> joined(std::vector<std::string> first,
                                const std::vector<std::string>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

NewToken content_of(const TokenArguments& arguments) {
    NewToken content;
    content.subject = arguments.subject;
    content.topics.join = joined(arguments.topics, arguments.join);
    content.topics.push = joined(arguments.topics, arguments.push);
    for (const auto& claim : arguments.claims) {
        const auto equals = claim.find('=');
        content.texts[claim.substr(0, equals)] = claim.substr(equals + 1);
    }
    content.lifetime = arguments.lifetime;
    return content;
}

int make(const Options& options, const TokenArguments& arguments) {
    const auto kid = arguments.kid.empty() ? std::nullopt : std::optional(arguments.kid);
    const auto key = read_signing_key_file(arguments.key_files.front(), kid);
    if (!key) return fail(key.error());
    const auto token = make_token(*key, content_of(arguments), now_unix());
    if (!token) return fail(token.error());
    std::cout << (options.json ? JsonLine().text("token", *token).line() : *token) << std::endl;
    return std::cout ? exit_code::ok : fail("cannot write the token");
}

std::string check_pattern(const std::string& text) {
    if (is_topic_pattern(text) && text.size() <= limits::topic_bytes_max) return {};
    return "'" + printable(text) +
           "' is no topic pattern: a topic, or a prefix that ends in *, of at most 1024 bytes";
}

std::string check_claim(const std::string& text) {
    const auto equals = text.find('=');
    if (equals != std::string::npos && equals > 0) return {};
    return "'" + printable(text) + "' must be NAME=VALUE, as in org=acme";
}

void add_content(CLI::App& verb, TokenArguments& arguments) {
    const auto patterns = [&](const char* flag, std::vector<std::string>& into, const char* text) {
        verb.add_option(flag, into, text)
            ->type_name("PATTERN")
            ->check(CLI::Validator(check_pattern, "", "pattern"))
            ->allow_extra_args(false);
    };
    verb.add_option("--sub", arguments.subject, "Whose token it is")->type_name("SUB");
    patterns("--topic", arguments.topics, "Topics that may be joined and pushed to");
    patterns("--join", arguments.join, "Topics that may be joined");
    patterns("--push", arguments.push, "Topics that may be pushed to");
    verb.add_option("--claim", arguments.claims, "A further claim, as text")
        ->type_name("NAME=VALUE")
        ->check(CLI::Validator(check_claim, "", "claim"))
        ->allow_extra_args(false);
    constexpr std::int64_t hundred_years = 3'155'760'000;
    verb.add_option("--expires", arguments.lifetime, "How long it is valid")
        ->type_name("SECONDS")
        ->check(CLI::Range(std::int64_t{1}, hundred_years))
        ->capture_default_str();
    verb.add_option("--kid", arguments.kid,
                    "The key's name: chooses one of a set, or is given to it")
        ->type_name("KID");
}

// What the options cannot say of each other.
void check_use(bool is_check, const TokenArguments& arguments) {
    if (!is_check && arguments.subject.empty()) throw CLI::RequiredError("--sub or --check");
    if (!is_check && arguments.key_files.size() > 1) {
        throw CLI::ValidationError("--key-file", "a token is made with one key: give one file");
    }
}

}  // namespace

void add_token(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("token", "Make a client's token, or explain one");
    const auto arguments = std::make_shared<TokenArguments>();
    add_content(*verb, *arguments);
    verb->add_option("--key-file", arguments->key_files,
                     "The key: a secret, PEM or JWKs (several with --check)")
        ->type_name("FILE")
        ->required()
        ->allow_extra_args(false);
    CLI::Option* is_check =
        verb->add_option("--check", arguments->token,
                         "Explain this token (from standard input if none is given, or -)")
            ->type_name("TOKEN")
            ->expected(0, 1);
    for (const char* flag :
         {"--sub", "--topic", "--join", "--push", "--claim", "--expires", "--kid"}) {
        is_check->excludes(flag);
    }
    verb->add_option("--audience", arguments->audience, "The aud that it must have")
        ->type_name("AUDIENCE")
        ->needs(is_check);
    verb->add_option("--issuer", arguments->issuer, "The iss that it must have")
        ->type_name("ISSUER")
        ->needs(is_check);
    verb->callback([&, arguments, is_check] {
        const bool is_to_check = is_check->count() > 0;
        check_use(is_to_check, *arguments);
        run = [&, arguments, is_to_check] {
            return is_to_check ? check(options, *arguments) : make(options, *arguments);
        };
    });
}

}  // namespace roost::verbs
