#include "proto/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace roost {

namespace {

// The keys of an issuer, or two of a group and room for comments.
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

Unexpected<std::string> cannot_read() {
    return {std::string("cannot be read: ") + std::strerror(errno)};
}

}  // namespace

Result<SecretFile, std::string> read_secret_file(const std::string& path) {
    const File file(path);
    if (file.fd() < 0) return cannot_read();
    struct stat about {};
    if (fstat(file.fd(), &about) != 0) return cannot_read();
    SecretFile secret;
    secret.is_readable_by_others = (about.st_mode & S_IROTH) != 0;
    std::array<char, 4096> buffer{};
    while (true) {
        const auto size = read(file.fd(), buffer.data(), buffer.size());
        if (size < 0) return cannot_read();
        if (size == 0) return secret;
        secret.text.append(buffer.data(), static_cast<std::size_t>(size));
        if (secret.text.size() > file_bytes_max) {
            return Unexpected{std::string("it is too large for a key file")};
        }
    }
}

}  // namespace roost
