#include "daemon/door_options.hpp"

#include <sys/resource.h>
#include <sys/un.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "daemon/edge/start_error.hpp"
#include "daemon/option_checks.hpp"

namespace roost {

namespace {

constexpr std::string_view unix_prefix = "unix:";
// Against limits without end, where nobody says how many connections are to be: what is promised
// costs tables, and whenever a connection closes libwebsockets looks at every place of one.
constexpr std::size_t descriptors_cap = 65'536;

// The limit of open files, as it suits so many connections: 0 if nobody has said how many.
void fit_descriptors(const AdmissionLimits& limits) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    const rlim_t wanted = limits.connections_max == 0
                              ? std::min<rlim_t>(limit.rlim_cur, descriptors_cap)
                              : descriptors_for(limits.connections_max, limits.spare);
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    // Where it fails, the limit stays what it was; what is too low for the connections is said
    // later.
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

std::string check_listen(const std::string& text) {
    if (!text.starts_with(unix_prefix)) return check_endpoint(text);
    const auto path = text.substr(unix_prefix.size());
    constexpr auto path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
    if (path.starts_with('/') && path.size() > 1 && path.size() <= path_bytes_max) return "";
    return "'" + text + "' must be unix:/PATH, with a path of " + std::to_string(path_bytes_max) +
           " bytes at most";
}

std::string check_origin(const std::string& text) {
    const auto pattern = parse_origin_pattern(text);
    return pattern ? "" : "'" + text + "' " + pattern.error();
}

std::string check_proxy(const std::string& text) {
    if (text == "unix") return "";
    const auto block = parse_address_block(text);
    return block ? "" : "'" + text + "' " + block.error() + ", or unix";
}

void add_listener_options(CLI::App& app, DoorOptions& options, DoorTexts& texts) {
    app.add_option("--listen", texts.listen,
                   "Where clients connect (WebSocket, HTTP): HOST:PORT, or unix:/PATH for a proxy "
                   "in front; may be repeated")
        ->type_name("ADDRESS")
        ->check(check(check_listen))
        ->allow_extra_args(false)
        ->capture_default_str();
    app.add_option(
           "--tls-cert", options.certificate_file,
           "Certificate and chain in PEM: the TCP listeners speak TLS; SIGHUP reads it again")
        ->type_name("FILE");
    app.add_option("--tls-key", options.key_file, "The key of --tls-cert in PEM")
        ->type_name("FILE");
    app.add_flag("--echo", options.has_echo,
                 "Echo WebSocket messages at /echo, for tools that test WebSocket servers");
}

void add_guest_options(CLI::App& app, DoorOptions& options, DoorTexts& texts) {
    app.add_option(
           "--allow-origin", texts.origins,
           "Pages whose scripts may connect: SCHEME://HOST[:PORT], https://*.example.com or "
           "*; may be repeated [those of the host that is called]")
        ->type_name("ORIGIN")
        ->check(check(check_origin))
        ->allow_extra_args(false);
    app.add_option(
           "--trusted-proxy", texts.proxies,
           "Proxies whose X-Forwarded-For is believed: an address, a block of them, or unix; "
           "may be repeated")
        ->type_name("CIDR")
        ->check(check(check_proxy))
        ->allow_extra_args(false);
    app.add_option("--max-connections", options.limits.connections_max,
                   "WebSockets of this node; 0: what the limit of open files allows")
        ->type_name("N")
        ->check(range(0, 10'000'000))
        ->default_str("0");
    app.add_option("--max-connections-per-address", options.limits.per_address_max,
                   "WebSockets of one client address; 0: any number")
        ->type_name("N")
        ->check(range(0, 10'000'000))
        ->capture_default_str();
    app.add_option("--handshake-timeout", texts.handshake_timeout_s,
                   "How long a connection may take until it is a WebSocket, or has its page")
        ->type_name("SECONDS")
        ->check(range(1, 600))
        ->capture_default_str();
    app.add_option("--max-header-bytes", options.header_bytes_max,
                   "Size of a request's line and headers")
        ->type_name("BYTES")
        ->check(range(1024, 65'000))
        ->capture_default_str();
}

}  // namespace

std::size_t descriptors_max() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    return static_cast<std::size_t>(limit.rlim_cur);
}

DoorRules DoorOptions::rules() const {
    return {AllowedOrigins(origins),
            TrustedProxies(proxies, trusts_unix),
            limits,
            handshake_timeout,
            header_bytes_max,
            has_echo,
            asks_backend,
            forwarded_headers};
}

std::string DoorOptions::listen_text() const {
    std::string text;
    for (const auto& address : listen) {
        if (!text.empty()) text += ',';
        text += text_of(address);
    }
    return text;
}

void add_door_options(CLI::App& app, DoorOptions& options, DoorTexts& texts) {
    options.limits.connections_max = 0;
    add_listener_options(app, options, texts);
    add_guest_options(app, options, texts);
}

void finish_door_options(DoorOptions& options, const DoorTexts& texts) {
    options.listen.clear();
    for (const auto& text : texts.listen) {
        if (text.starts_with(unix_prefix)) {
            options.listen.emplace_back(UnixPath{text.substr(unix_prefix.size())});
        } else {
            options.listen.emplace_back(*parse_endpoint(text));
        }
    }
    for (const auto& text : texts.origins) options.origins.push_back(*parse_origin_pattern(text));
    for (const auto& text : texts.proxies) {
        if (text == "unix") {
            options.trusts_unix = true;
        } else {
            options.proxies.push_back(*parse_address_block(text));
        }
    }
    options.handshake_timeout = std::chrono::seconds(texts.handshake_timeout_s);
    fit_descriptors(options.limits);
    if (options.limits.connections_max == 0) {
        options.limits.connections_max = connections_for(descriptors_max(), options.limits.spare);
    }
    if (options.certificate_file.empty() != options.key_file.empty()) {
        const auto missing = options.key_file.empty() ? "--tls-key" : "--tls-cert";
        throw StartError(exit_code::usage, std::string("--tls-cert and --tls-key go together: ") +
                                               missing + " is missing");
    }
    if (options.certificate_file.empty()) return;
    const auto certificate = Certificate::load(options.certificate_file, options.key_file);
    if (!certificate) throw StartError(exit_code::configuration, certificate.error());
    options.certificate = *certificate;
}

}  // namespace roost
