#include "daemon/token_options.hpp"

#include <CLI/CLI.hpp>

#include "daemon/edge/start_error.hpp"
#include "daemon/option_checks.hpp"
#include "proto/token_key_files.hpp"

namespace roost {

void add_token_options(CLI::App& app, TokenOptions& options) {
    app.add_option(
           "--token-key-file", options.key_files,
           "Keys by which the tokens of clients are known: a JWKS, a public key in PEM or a "
           "secret; may be repeated; SIGHUP reads them again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.add_option("--token-audience", options.policy.audience,
                   "What the aud of a token must name [anything]")
        ->type_name("TEXT");
    app.add_option("--token-issuer", options.policy.issuer,
                   "What the iss of a token must be [anything]")
        ->type_name("TEXT");
    app.add_option("--token-leeway", options.policy.leeway,
                   "By how much the clocks of those who make tokens may differ")
        ->type_name("SECONDS")
        ->check(range(0, 600))
        ->capture_default_str();
    app.add_flag("!--token-without-expiry", options.policy.needs_expiry,
                 "Take tokens without exp: they are valid for ever");
    app.add_flag("--insecure", options.is_insecure,
                 "Serve other machines without token keys: anybody may join everything that the "
                 "rules leave open");
}

void finish_token_options(TokenOptions& options) {
    auto keys = read_token_key_files(options.key_files);
    if (!keys) throw StartError(exit_code::configuration, "--token-key-file " + keys.error());
    options.keys = std::make_shared<const TokenKeys>(std::move(*keys));
}

}  // namespace roost
