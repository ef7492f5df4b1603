// What compressed messages (RFC 7692) would cost: memory, size and work. See
// tests/bench/compression.
//
//   bench_zlib memory
//   bench_zlib sizes TEXT                      (a file of prose, from which bodies are cut)
//   bench_zlib deflate|inflate TEXT BYTES WINDOW-BITS MEMORY-LEVEL KEEP COUNT
//
// KEEP is 1 where a connection keeps its window from one message to the next (context takeover).
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::size_t allocated = 0;

voidpf allocate(voidpf, uInt count, uInt size) {
    allocated += std::size_t{count} * size;
    return std::calloc(count, size);
}
void let_go(voidpf, voidpf address) {
    std::free(address);
}

// A server compresses each message at the lowest level: it is on the way of all others.
class Deflater {
public:
    Deflater(int window_bits, int memory_level) {
        stream_.zalloc = allocate;
        stream_.zfree = let_go;
        deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, -window_bits, memory_level,
                     Z_DEFAULT_STRATEGY);
    }
    ~Deflater() { deflateEnd(&stream_); }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    std::string_view deflate_message(std::string& message, bool keeps_window) {
        if (!keeps_window) deflateReset(&stream_);
        stream_.next_in = reinterpret_cast<Bytef*>(message.data());
        stream_.avail_in = static_cast<uInt>(message.size());
        stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_out = static_cast<uInt>(buffer_.size());
        deflate(&stream_, Z_SYNC_FLUSH);
        return {buffer_.data(), buffer_.size() - stream_.avail_out};
    }

private:
    z_stream stream_{};
    std::string buffer_ = std::string(100'000, '\0');
};

class Inflater {
public:
    explicit Inflater(int window_bits) {
        stream_.zalloc = allocate;
        stream_.zfree = let_go;
        inflateInit2(&stream_, -window_bits);
    }
    ~Inflater() { inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    void inflate_message(std::string& deflated) {
        inflateReset(&stream_);
        stream_.next_in = reinterpret_cast<Bytef*>(deflated.data());
        stream_.avail_in = static_cast<uInt>(deflated.size());
        // In pieces, as a bounded receiver would: so it needs a window of its own.
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
            stream_.avail_out = static_cast<uInt>(buffer_.size());
        } while (inflate(&stream_, Z_SYNC_FLUSH) == Z_OK && stream_.avail_out == 0);
    }

private:
    z_stream stream_{};
    std::string buffer_ = std::string(1024, '\0');
};

// Chat messages of this size, each with another piece of the text.
std::vector<std::string> messages(const char* file, std::size_t bytes) {
    std::ifstream in(file);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    for (char& c : text) {
        if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    std::vector<std::string> made;
    for (std::size_t i = 0, at = 0; i < 64 && at + bytes <= text.size(); ++i) {
        std::string message = R"([null,null,"room:)" + std::to_string(i * 7919 % 1000) +
                              R"(","new_msg",{"id":)" + std::to_string(100'000 + i * 104'729) +
                              R"(,"body":")";
        const std::size_t rest = bytes - message.size() - 3;
        made.push_back(message + text.substr(at, rest) + "\"}]");
        at += rest;
    }
    if (made.size() < 4) {
        std::fprintf(stderr, "%s is too short for messages of %zu bytes\n", file, bytes);
        std::exit(1);
    }
    return made;
}

void show_memory() {
    for (const int bits : {15, 12, 10}) {
        for (const int level : {8, 5, 1}) {
            allocated = 0;
            const Deflater deflater(bits, level);
            std::printf("deflate, window of %2d bits, memory level %d: %6zu bytes\n", bits, level,
                        allocated);
        }
    }
    for (const int bits : {15, 12, 10}) {
        std::string message(40'000, 'x');
        std::string deflated(Deflater(bits, 8).deflate_message(message, false));
        allocated = 0;
        Inflater inflater(bits);
        inflater.inflate_message(deflated);
        std::printf("inflate, window of %2d bits:                 %6zu bytes\n", bits, allocated);
    }
}

void show_sizes(const char* file) {
    for (const std::size_t bytes : {128UL, 1024UL, 16'384UL}) {
        for (const bool keeps_window : {false, true}) {
            Deflater deflater(15, 8);
            std::size_t total = 0;
            std::size_t before = 0;
            for (std::string& message : messages(file, bytes)) {
                before += message.size();
                total += deflater.deflate_message(message, keeps_window).size() - 4;
            }
            std::printf("%5zu bytes, window %s: %3zu %%\n", bytes,
                        keeps_window ? "kept       " : "of each own", 100 * total / before);
        }
    }
}

}  // namespace

int main(int count, char** words) {
    const std::string_view kind = count > 1 ? words[1] : "";
    if (kind == "memory") {
        show_memory();
    } else if (kind == "sizes" && count == 3) {
        show_sizes(words[2]);
    } else if (count == 8) {
        auto made = messages(words[2], static_cast<std::size_t>(std::atol(words[3])));
        const int bits = std::atoi(words[4]);
        Deflater deflater(bits, std::atoi(words[5]));
        Inflater inflater(bits);
        std::string deflated(deflater.deflate_message(made.front(), false));
        for (int i = 0; i < std::atoi(words[7]); ++i) {
            if (kind == "inflate") {
                inflater.inflate_message(deflated);
            } else {
                deflater.deflate_message(made[static_cast<std::size_t>(i) % made.size()],
                                         std::atoi(words[6]) == 1);
            }
        }
    } else {
        return 2;
    }
}
