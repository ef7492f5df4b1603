#include "daemon/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/edge/start_error.hpp"

namespace roost {

namespace {

// Two keys, and room for comments.
constexpr std::size_t file_bytes_max = 65'536;

class File {
public:
    explicit File(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~File() {
        if (fd_ >= 0) close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }

private:
    int fd_;
};

}  // namespace

std::vector<GroupKey> read_key_file(const std::string& path) {
    const auto fail = [&](const std::string& text) {
        return StartError(exit_code::configuration, "--group-key-file " + path + ": " + text);
    };
    const auto cannot_read = [&] {
        return fail(std::string("cannot be read: ") + std::strerror(errno) +
                    " (roost keygen --out makes one)");
    };
    const File file(path);
    if (file.fd() < 0) throw cannot_read();
    struct stat about {};
    if (fstat(file.fd(), &about) != 0) throw cannot_read();
    if ((about.st_mode & S_IROTH) != 0) {
        throw fail(
            "every user can read it: take the right from others (chmod o-r), and make a new "
            "key if one of them may have read this one");
    }
    std::string text;
    std::array<char, 4096> buffer{};
    while (true) {
        const auto size = read(file.fd(), buffer.data(), buffer.size());
        if (size < 0) throw cannot_read();
        if (size == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
        if (text.size() > file_bytes_max) throw fail("it is too large for a key file");
    }
    auto keys = parse_group_keys(text);
    if (!keys) throw fail(keys.error());
    return std::move(*keys);
}

}  // namespace roost
