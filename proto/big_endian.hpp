// big_endian: unsigned integers in network byte order.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>

namespace roost {

// Writes sizeof(T) bytes.
template <std::unsigned_integral T>
void write_big_endian(char* bytes, T value) {
    if constexpr (std::endian::native == std::endian::little) {
        if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
        if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
        if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    }
    std::memcpy(bytes, &value, sizeof value);
}

template <std::unsigned_integral T>
void append_big_endian(std::string& out, T value) {
    std::array<char, sizeof(T)> bytes{};
    write_big_endian(bytes.data(), value);
    out.append(bytes.data(), bytes.size());
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
