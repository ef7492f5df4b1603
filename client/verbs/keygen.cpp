#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "client/verbs/output.hpp"
#include "client/verbs/verbs.hpp"
#include "proto/group_key.hpp"

namespace roost::verbs {
namespace {

int fail(const std::string& text) {
    std::cerr << "roost: " << text << '\n';
    return exit_code::refused;
}

int write_file(const std::string& path, const std::string& text) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        return fail(path + " exists: a key is not overwritten; move it away, or name another file");
    }
    if (fd < 0) return fail("cannot create " + path + ": " + std::strerror(errno));
    // The umask may have taken more away.
    const bool is_written = write(fd, text.data(), text.size()) == std::ssize(text) &&
                            fchmod(fd, 0600) == 0 && fsync(fd) == 0;
    const int error = errno;
    close(fd);
    if (is_written) return exit_code::ok;
    unlink(path.c_str());
    return fail("cannot write " + path + ": " + std::strerror(error));
}

int keygen(const Options& options, const std::string& path) {
    if (sodium_init() < 0) return fail("there is no source of random numbers");
    GroupKey key{};
    randombytes_buf(key.data(), key.size());
    const std::string text = text_of(key);
    if (!path.empty()) return write_file(path, text + '\n');
    std::cout << (options.json ? JsonLine().text("key", text).line() : text) << std::endl;
    return std::cout ? exit_code::ok : fail("cannot write the key");
}

}  // namespace

void add_keygen(CLI::App& app, const Options& options, Run& run) {
    CLI::App* verb = app.add_subcommand("keygen", "Make a key for roostd --group-key-file");
    const auto path = std::make_shared<std::string>();
    verb->add_option("--out", *path, "Write it to this new file, which only its owner can read")
        ->type_name("FILE");
    verb->callback([&, path] { run = [&, path] { return keygen(options, *path); }; });
}

}  // namespace roost::verbs
