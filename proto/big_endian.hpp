// big_endian: unsigned integers in network byte order.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>

namespace roost {

template <std::unsigned_integral T>
void append_big_endian(std::string& out, T value) {
    for (std::size_t i = sizeof(T); i-- > 0;) {
        out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
    }
}

// Reads sizeof(T) bytes.
template <std::unsigned_integral T>
T read_big_endian(const char* bytes) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[i]));
    }
    return value;
}

}  // namespace roost
