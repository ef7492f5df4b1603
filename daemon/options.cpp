#include "daemon/options.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <map>
#include <thread>

#include "daemon/backend_options.hpp"
#include "daemon/edge/start_error.hpp"
#include "daemon/key_file.hpp"
#include "daemon/option_checks.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {

// CLI11 lets a file win over the environment; here the environment wins.
class FileBehindEnvironment : public CLI::ConfigTOML {
public:
    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
        auto given = CLI::ConfigTOML::from_config(input);
        std::erase_if(given, [](const CLI::ConfigItem& item) {
            return std::getenv(variable_of(item.name).c_str()) != nullptr;
        });
        return given;
    }
    static std::string variable_of(std::string_view flag) {
        std::string variable = "ROOST_";
        for (const char c : flag) {
            variable.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(c)));
        }
        return variable;
    }
};

// What CLI11 fills in, before it has its types.
struct Texts {
    DoorTexts door;
    std::string group_listen = "127.0.0.1:7370";
    std::string advertise;
    std::string group_key_file;
    std::vector<std::string> peers, rules;
    bool no_beacon = false;
    int fence_timeout_ms = 2000;
    int repair_wait_ms = 5000;
    int dedup_window_s = 120;
    int idle_timeout_s = 60;
    std::string io_uring = "auto";
    bool no_long_poll = false;
    int poll_window_ms = 10'000;
    std::string log_level = "info";
};

std::string check_advertise(const std::string& text) {
    if (text.find(':') != std::string::npos) return check_endpoint(text);
    return text.empty() ? "must be HOST or HOST:PORT" : "";
}

std::string check_rule(const std::string& text) {
    const auto rule = parse_rule(text);
    return rule ? "" : "'" + text + "': " + rule.error();
}

std::string check_name(const std::string& text) {
    const auto is_allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
    };
    if (!text.empty() && text.size() <= limits::name_bytes_max &&
        std::all_of(text.begin(), text.end(), is_allowed)) {
        return "";
    }
    return "'" + text + "' must be 1 to 64 letters, digits, '.', '_' or '-'";
}

std::string check_path(const std::string& text) {
    if (text.starts_with('/') && !text.ends_with('/') &&
        text.find_first_of("? #") == std::string::npos) {
        return "";
    }
    return "'" + text + "' must begin with / and not end with one, as in /socket";
}

std::string check_control(const std::string& text) {
    if (text.starts_with("ipc:///") || text.starts_with("tcp://")) return "";
    return "'" + text + "' must be ipc:///PATH or tcp://HOST:PORT";
}

std::string check_address(const std::string& text) {
    in_addr address{};
    if (inet_pton(AF_INET, text.c_str(), &address) == 1) return "";
    return "'" + text + "' must be an IPv4 address, as in 192.0.2.255";
}

std::string default_control() {
    const char* runtime = std::getenv("RUNTIME_DIRECTORY");
    if (runtime) return std::string("ipc://") + runtime + "/control.sock";
    if (geteuid() == 0) return "ipc:///run/roost/control.sock";
    const char* user = std::getenv("XDG_RUNTIME_DIR");
    if (user) return std::string("ipc://") + user + "/roost-control.sock";
    return "ipc:///tmp/roost-" + std::to_string(getuid()) + "-control.sock";
}

std::string default_name(const ListenAddress& listen) {
    std::array<char, 65> host{};
    if (gethostname(host.data(), host.size() - 1) != 0 || host[0] == 0) host = {"node"};
    const auto* endpoint = std::get_if<Endpoint>(&listen);
    const auto last = endpoint ? std::to_string(endpoint->port) : "unix";
    return std::string(host.data()).substr(0, 56) + "-" + last;
}

void add_node_options(CLI::App& app, Options& options, Texts& texts) {
    app.add_option("--socket-path", options.socket_path,
                   "Path of the Phoenix socket; /websocket is added to it")
        ->type_name("PATH")
        ->check(check(check_path))
        ->capture_default_str();
    app.add_option("--name", options.name, "This node's name [host name and listen port]")
        ->type_name("NAME")
        ->check(check(check_name));
    app.add_option("--control", options.control, "The control socket, for roost and backends")
        ->type_name("ENDPOINT")
        ->check(check(check_control));
    app.add_option("--shards", options.shards, "Event loops [one for each core]")
        ->type_name("N")
        ->check(range(1, 64));
    app.add_option("--io-uring", texts.io_uring,
                   "Send to many clients with one call of the kernel: auto, on or off")
        ->type_name("MODE")
        ->check(CLI::IsMember({"auto", "on", "off"}))
        ->capture_default_str();
    app.add_option("--rule", texts.rules,
                   "'PATTERN join=open|backend|deny push=broadcast|others|backend|deny "
                   "history=COUNT,AGE slow=disconnect|drop-oldest|latest'; the first that matches "
                   "decides; without rules every topic is open")
        ->type_name("RULE")
        ->check(check(check_rule))
        ->allow_extra_args(false);
    app.add_flag("--no-longpoll", texts.no_long_poll,
                 "No clients without a WebSocket, at /longpoll beside /websocket");
    app.add_option("--longpoll-window", texts.poll_window_ms,
                   "How long a request waits for messages; below what proxies allow")
        ->type_name("MILLISECONDS")
        ->check(range(100, 60'000))
        ->capture_default_str();
    app.add_flag("--try-page", options.has_try_page, "Serve a page to try the node at /");
    app.add_option("--log-level", texts.log_level, "debug, info, warning or error")
        ->type_name("LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
}

void add_group_options(CLI::App& app, Options& options, Texts& texts) {
    app.add_option("--group", options.group, "The group this node belongs to")
        ->type_name("NAME")
        ->check(check(check_name))
        ->capture_default_str();
    app.add_option("--group-key-file", texts.group_key_file,
                   "The key without which no node is let in; see roost keygen")
        ->type_name("FILE");
    app.add_option("--group-listen", texts.group_listen,
                   "Where the other nodes connect: this port and the next")
        ->type_name("HOST:PORT")
        ->check(check(check_endpoint))
        ->capture_default_str();
    app.add_option("--advertise", texts.advertise,
                   "The address that the others are told [the one they see]")
        ->type_name("HOST[:PORT]")
        ->check(check(check_advertise));
    app.add_option("--peer", texts.peers, "A node to connect to; one is enough to find them all")
        ->type_name("HOST:PORT")
        ->check(check(check_endpoint))
        ->allow_extra_args(false);
    app.add_flag("--no-beacon", texts.no_beacon, "Neither send nor hear discovery beacons");
    app.add_option("--beacon-address", options.beacon_addresses,
                   "Where beacons are sent [the broadcast address of each interface]")
        ->type_name("ADDRESS")
        ->check(check(check_address))
        ->allow_extra_args(false);
    app.add_option("--beacon-port", options.beacon_port, "UDP port of the beacons")
        ->type_name("PORT")
        ->check(range(1, 65535))
        ->capture_default_str();
    app.add_option("--fence-timeout", texts.fence_timeout_ms,
                   "How long a join waits for the other nodes")
        ->type_name("MILLISECONDS")
        ->check(range(1, 20'000))
        ->capture_default_str();
}

void add_delivery_options(CLI::App& app, Options& options, Texts& texts) {
    app.add_option("--interest-bits", options.interest_bits,
                   "Topics are told apart between nodes by a hash of so many bits; the same on all "
                   "nodes of a group")
        ->type_name("BITS")
        ->check(range(bucket_bits_min, bucket_bits_max))
        ->capture_default_str();
    app.add_option("--repair-buffer", options.repair_buffer,
                   "What this node published last is kept, for nodes that missed it")
        ->type_name("BYTES")
        ->check(range(100'000, 100'000'000'000))
        ->capture_default_str();
    app.add_option("--repair-wait", texts.repair_wait_ms,
                   "How long messages wait for missing ones before them, without progress")
        ->type_name("MILLISECONDS")
        ->check(range(1, 600'000))
        ->capture_default_str();
    app.add_option("--group-queue-bytes", options.group_queue_bytes,
                   "What may wait for slow nodes; beyond it they are left to ask for it")
        ->type_name("BYTES")
        ->check(range(1'000'000, 100'000'000'000))
        ->capture_default_str();
    app.add_option("--history-memory", options.history_memory,
                   "What may be kept for the history of topics")
        ->type_name("BYTES")
        ->check(range(100'000, 100'000'000'000))
        ->capture_default_str();
    app.add_option("--dedup-window", texts.dedup_window_s,
                   "How long the id of a message is known, so that it does not show twice")
        ->type_name("SECONDS")
        ->check(range(1, 86'400))
        ->capture_default_str();
    app.add_flag("--events", options.has_events,
                 "Tell backends who connects, joins, leaves and disconnects");
    app.add_option("--events-memory", options.events_memory,
                   "What is kept of that, for backends that were away")
        ->type_name("BYTES")
        ->check(range(100'000, 100'000'000'000))
        ->capture_default_str();
}

void add_limits(CLI::App& app, Options& options, Texts& texts) {
    app.add_option("--idle-timeout", texts.idle_timeout_s,
                   "Silence after which a client is closed; it is pinged at half")
        ->type_name("SECONDS")
        ->check(range(1, 86'400))
        ->capture_default_str();
    app.add_option("--max-frame-bytes", options.frame_bytes_max, "Size of a client's message")
        ->type_name("BYTES")
        ->check(range(1024, 8'000'000))
        ->capture_default_str();
    app.add_option("--max-channels", options.limits.channels_max, "Channels of one connection")
        ->type_name("N")
        ->check(range(1, 100'000))
        ->capture_default_str();
    app.add_option("--max-joins", options.limits.joins_max,
                   "Joins of one connection per second (0: any number)")
        ->type_name("N")
        ->check(range(0, 1'000'000))
        ->capture_default_str();
    app.add_option("--max-messages", options.limits.messages_max,
                   "Messages of one connection per second, joins apart (0: any number)")
        ->type_name("N")
        ->check(range(0, 1'000'000))
        ->capture_default_str();
    app.add_option("--max-topic-bytes", options.limits.topic_bytes_max,
                   "Length of a topic that clients may use")
        ->type_name("BYTES")
        ->check(range(1, 1024))
        ->capture_default_str();
    app.add_option("--max-event-bytes", options.limits.event_bytes_max,
                   "Length of an event that clients may use")
        ->type_name("BYTES")
        ->check(range(9, 1024))  // phx_leave and heartbeat are events too
        ->capture_default_str();
    app.add_option("--max-json-depth", options.limits.json_depth_max,
                   "Levels of nesting in a client's message")
        ->type_name("LEVELS")
        ->check(range(2, 1000))
        ->capture_default_str();
    app.add_option("--max-queue-bytes", options.limits.outbox.bytes_max,
                   "What may wait for one client; beyond it the rules of its topics decide")
        ->type_name("BYTES")
        ->check(range(1024, 1'000'000'000))
        ->capture_default_str();
    app.add_option("--drain-rate", options.drain_rate, "Clients closed per second on a stop")
        ->type_name("CLIENTS")
        ->check(range(1, 1'000'000))
        ->capture_default_str();
}

// Closed by default: whom the node does not know, it does not serve.
void check_exposure(const Options& options) {
    if (!options.tokens.keys->keys.empty() || options.tokens.is_insecure) return;
    for (const auto& address : options.door.listen) {
        const auto* endpoint = std::get_if<Endpoint>(&address);
        if (!endpoint || endpoint->is_loopback()) continue;
        throw StartError(exit_code::configuration,
                         "--listen " + endpoint->text() +
                             " is open to other machines, and there are no keys for the tokens of "
                             "clients: give --token-key-file, or --insecure to serve everybody");
    }
}

void finish(Options& options, const Texts& texts) {
    static const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::debug},
                                                           {"info", LogLevel::info},
                                                           {"warning", LogLevel::warning},
                                                           {"error", LogLevel::error}};
    finish_door_options(options.door, texts.door);
    finish_token_options(options.tokens);
    finish_api_options(options.api);
    check_exposure(options);
    options.group_listen = *parse_endpoint(texts.group_listen);
    if (texts.advertise.find(':') != std::string::npos) {
        options.advertise = *parse_endpoint(texts.advertise);
    } else if (!texts.advertise.empty()) {
        options.advertise = Endpoint{texts.advertise, 0};
    }
    for (const auto& peer : texts.peers) options.peers.push_back(*parse_endpoint(peer));
    for (const auto& rule : texts.rules) options.rules.push_back(*parse_rule(rule));
    options.rule_texts = texts.rules;
    options.has_beacon = !texts.no_beacon;
    if (!texts.group_key_file.empty()) options.group_keys = read_key_file(texts.group_key_file);
    options.fence_timeout = std::chrono::milliseconds(texts.fence_timeout_ms);
    options.repair_wait = std::chrono::milliseconds(texts.repair_wait_ms);
    options.has_long_poll = !texts.no_long_poll;
    options.poll_window = std::chrono::milliseconds(texts.poll_window_ms);
    options.dedup_window = std::chrono::seconds(texts.dedup_window_s);
    options.limits.dedup_window = options.dedup_window;
    options.limits.interest_bits = options.interest_bits;
    options.limits.has_events = options.has_events;
    options.limits.idle_max = std::chrono::seconds(texts.idle_timeout_s);
    static const std::map<std::string, UringMode> uring_modes = {
        {"auto", UringMode::automatic}, {"on", UringMode::on}, {"off", UringMode::off}};
    options.io_uring = uring_modes.at(texts.io_uring);
    options.log_level = levels.at(texts.log_level);
    if (options.control.empty()) options.control = default_control();
    if (options.name.empty()) options.name = default_name(options.door.listen.front());
    if (options.group_listen.port == 65535) {
        throw StartError(exit_code::usage,
                         "--group-listen: '" + texts.group_listen +
                             "' leaves no port above it for the publisher: use 65534 or less");
    }
}

bool is_on_command_line(std::string_view flag, const std::vector<std::string>& arguments) {
    return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
        return argument == flag || argument.starts_with(std::string(flag) + "=");
    });
}

std::string place_of_rules(const CLI::App& app, const std::vector<std::string>& arguments) {
    if (is_on_command_line("--rule", arguments)) return "of the command line";
    const auto variable = FileBehindEnvironment::variable_of("rule");
    if (std::getenv(variable.c_str()) != nullptr) return "in " + variable;
    return "in " + app.get_config_ptr()->as<std::string>();
}

// Says what was wrong and where it stands. Returns the exit code: usage for the command line and
// the environment, configuration for the file.
int explain(const CLI::App& app, const CLI::ParseError& error,
            const std::vector<std::string>& arguments) {
    const std::string what = error.what();
    const std::string flag = what.substr(0, what.find(':'));
    const auto* config = app.get_config_ptr();
    const bool has_file = config->count() > 0;
    const bool is_set_elsewhere =
        flag.starts_with("--") &&
        (is_on_command_line(flag, arguments) ||
         std::getenv(FileBehindEnvironment::variable_of(flag.substr(2)).c_str()) != nullptr);
    const bool is_of_file = dynamic_cast<const CLI::FileError*>(&error) ||
                            dynamic_cast<const CLI::ConfigError*>(&error) ||
                            dynamic_cast<const CLI::ValidationError*>(&error) ||
                            dynamic_cast<const CLI::ConversionError*>(&error);
    if (has_file && is_of_file && !is_set_elsewhere) {
        std::cerr << "roostd: --config " << config->as<std::string>() << ": " << what << '\n';
        return exit_code::configuration;
    }
    std::cerr << "roostd: " << what << " (see roostd --help)\n";
    return exit_code::usage;
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
    Options options;
    Texts texts;
    options.shards = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 64);
    CLI::App app(
        "roostd: Phoenix Channels for any backend, on one node or many.\n"
        "Every flag may stand in the file of --config, and in the environment as ROOST_FLAG.",
        "roostd");
    add_door_options(app, options.door, texts.door);
    add_token_options(app, options.tokens);
    add_api_options(app, options.api);
    add_node_options(app, options, texts);
    add_group_options(app, options, texts);
    add_delivery_options(app, options, texts);
    add_limits(app, options, texts);
    add_backend_options(app, options.handlers, options.door);
    for (CLI::Option* option : app.get_options()) {
        if (!option->get_lnames().empty() && option->get_lnames().front() != "help") {
            option->envname(FileBehindEnvironment::variable_of(option->get_lnames().front()));
        }
    }
    add_question_options(app, options.questions);
    app.set_config("--config", "", "Read options from this TOML file")->type_name("FILE");
    app.config_formatter(std::make_shared<FileBehindEnvironment>());
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.set_version_flag("--version", std::string("roostd ") + ROOST_VERSION);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        app.parse(argc, argv);
        finish(options, texts);
        if (!texts.rules.empty()) options.rules_place = place_of_rules(app, arguments);
    } catch (const CLI::Success& done) {
        return {std::nullopt, app.exit(done)};
    } catch (const CLI::ParseError& error) {
        return {std::nullopt, explain(app, error, arguments)};
    } catch (const StartError& error) {
        std::cerr << "roostd: " << error.what() << '\n';
        return {std::nullopt, error.code()};
    }
    return {std::move(options), 0};
}

}  // namespace roost
