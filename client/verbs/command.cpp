#include "client/verbs/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace roost::verbs {

namespace {

using Clock = std::chrono::steady_clock;

// A file in memory: the command reads it when it likes, and nobody waits for that.
int input_file(std::string_view input) {
    const int file = memfd_create("input", MFD_CLOEXEC);
    while (file >= 0 && !input.empty()) {
        const auto written = write(file, input.data(), input.size());
        if (written <= 0) break;
        input.remove_prefix(static_cast<std::size_t>(written));
    }
    if (file >= 0) lseek(file, 0, SEEK_SET);
    return file;
}

[[noreturn]] void become(const std::string& command, int in, int out,
                         const std::vector<std::pair<std::string, std::string>>& variables) {
    setpgid(0, 0);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    _exit(127);
}

// False when the time is over.
bool read_all(int from, std::string& out, Clock::time_point until) {
    std::array<char, 65'536> piece{};
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        pollfd item{from, POLLIN, 0};
        const int ready = left.count() <= 0 ? 0 : poll(&item, 1, static_cast<int>(left.count()));
        if (ready == 0) return false;
        if (ready < 0) continue;  // interrupted
        const auto size = read(from, piece.data(), piece.size());
        if (size <= 0) return true;
        out.append(piece.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace

CommandEnd run_command(const std::string& command, std::string_view input,
                       const std::vector<std::pair<std::string, std::string>>& variables,
                       std::chrono::milliseconds time_max) {
    CommandEnd end;
    std::array<int, 2> pipe_ends{};
    const int in = input_file(input);
    if (in < 0 || pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
        if (in >= 0) close(in);
        end.code = 127;
        return end;
    }
    const pid_t child = fork();
    if (child == 0) become(command, in, pipe_ends[1], variables);
    close(in);
    close(pipe_ends[1]);
    if (child < 0) {
        end.code = 127;
    } else {
        const auto until = Clock::now() + time_max;
        end.is_late = !read_all(pipe_ends[0], end.out, until);
        int status = 0;
        // One that has closed its output may go on.
        while (!end.is_late && waitpid(child, &status, WNOHANG) == 0) {
            if (poll(nullptr, 0, 5) == 0) end.is_late = Clock::now() >= until;
        }
        if (end.is_late) {
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
        }
        end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    close(pipe_ends[0]);
    return end;
}

}  // namespace roost::verbs
