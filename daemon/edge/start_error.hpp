// start_error: why the daemon could not start, with the exit code that says so (sysexits.h).
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>

namespace roost {

namespace exit_code {
inline constexpr int usage = 2;
inline constexpr int unavailable = 69;
inline constexpr int software = 70;
inline constexpr int permission = 77;
inline constexpr int configuration = 78;
}  // namespace exit_code

class StartError : public std::runtime_error {
public:
    StartError(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
    // For a failed bind or listen.
    static StartError of_errno(int error, const std::string& text) {
        const bool is_permission = error == EACCES || error == EPERM;
        return {is_permission ? exit_code::permission : exit_code::unavailable, text};
    }
    int code() const { return code_; }

private:
    int code_;
};

}  // namespace roost
