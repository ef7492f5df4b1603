#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "client/connection.hpp"

namespace roost {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// A socket of another user in /tmp is not a daemon to be trusted.
bool is_trusted_socket(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) &&
           (status.st_uid == ::geteuid() || status.st_uid == 0);
}

}  // namespace

std::string default_endpoint() {
    if (std::string endpoint = environment("ROOST_CONTROL"); !endpoint.empty()) return endpoint;

    const std::string system = "/run/roost/control.sock";
    const std::string runtime = environment("XDG_RUNTIME_DIR");
    const std::string of_session = runtime + "/roost-control.sock";
    const std::string of_user = "/tmp/roost-" + std::to_string(::geteuid()) + "-control.sock";

    if (::access(system.c_str(), F_OK) == 0) return "ipc://" + system;
    if (!runtime.empty() && ::access(of_session.c_str(), F_OK) == 0) return "ipc://" + of_session;
    if (is_trusted_socket(of_user)) return "ipc://" + of_user;

    if (::geteuid() == 0) return "ipc://" + system;
    return "ipc://" + (runtime.empty() ? of_user : of_session);
}

}  // namespace roost
