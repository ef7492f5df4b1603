// uring: sends of many sockets, given to the kernel at once through io_uring.
//
// What is added is sent, and its results are read, before send() returns: so buffers and
// descriptors need only live that long, and there is nothing in flight between two turns of the
// loop. No send waits for its socket. If the kernel refuses in the middle of it, what it has not
// taken counts as not sent, and the ring is not used again. One loop, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace roost {

enum class UringMode : std::uint8_t { automatic, on, off };

class Uring {
public:
    // How many may be added before they are sent.
    static constexpr std::size_t sends_max = 256;

    // A send whose bytes were not taken, or not all of them.
    struct Short {
        std::uint32_t tag = 0;  // as it was added
        std::size_t taken = 0;
        int error = 0;  // an errno; 0 if the socket just takes no more at present
    };

    // Has sent something to itself; the error says why it could not.
    static Result<std::unique_ptr<Uring>, std::string> open();
    ~Uring();

    // Why it is not to be used any more; empty while it is.
    std::string failure() const;
    // Bytes of one socket once, and fewer than 4 GB.
    void add(int fd, std::string_view bytes, std::uint32_t tag);
    // Until the next call.
    std::span<const Short> send();

private:
    struct Impl;
    explicit Uring(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

// Whether the node is to send in this way; says in the log what came of it. Throws StartError if
// it must and cannot.
bool is_uring_wanted(UringMode mode);

}  // namespace roost
