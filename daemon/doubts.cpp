#include "daemon/doubts.hpp"

#include "daemon/edge/log.hpp"

namespace roost {

void say_certificate(const Certificate& certificate) {
    log_line(LogLevel::info, "certificate loaded  " + certificate.describe());
    if (certificate.is_expired()) log_line(LogLevel::warning, "the certificate has expired");
}

void say_token_keys(const TokenKeys& keys) {
    for (const auto& sentence : keys.ignored) log_line(LogLevel::warning, sentence);
    log_line(LogLevel::info, "token keys loaded  number=" + std::to_string(keys.keys.size()));
}

void say_what_is_doubtful(const Options& options) {
    const DoorOptions& door = options.door;
    if (door.certificate) say_certificate(*door.certificate);
    if (!options.tokens.keys->keys.empty()) {
        say_token_keys(*options.tokens.keys);
    } else if (options.tokens.is_insecure) {
        log_line(LogLevel::warning,
                 "INSECURE: without token keys anybody who reaches " + door.listen_text() +
                     " may join and publish, as far as the rules leave topics open");
    }
    const auto room = connections_for(descriptors_max(), door.limits.spare);
    if (door.limits.connections_max <= room) return;
    log_line(LogLevel::warning,
             "--max-connections " + std::to_string(door.limits.connections_max) +
                 " is more than the limit of open files has room for: " + std::to_string(room) +
                 " (see LimitNOFILE in systemd.exec(5), ulimit -n)");
}

}  // namespace roost
