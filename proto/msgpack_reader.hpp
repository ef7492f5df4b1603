// msgpack_reader: a cursor over one msgpack array that came from outside.
//
// Reading what is not there, or is of another type or out of its bounds, throws Malformed: the
// decoder that began to read turns it into a value.
#pragma once

#include <cstdint>
#include <msgpack.hpp>
#include <string>
#include <string_view>

namespace roost {

struct Malformed {
    std::string what;
};

class MsgpackReader {
public:
    MsgpackReader(const msgpack::object& array, const char* what) : what_(what) {
        if (array.type != msgpack::type::ARRAY) fail("is not an array");
        items_ = array.via.array;
    }
    std::uint64_t number(std::uint64_t most) {
        const auto& item = next();
        if (item.type != msgpack::type::POSITIVE_INTEGER)
            fail("holds something else than a number");
        if (item.via.u64 > most) fail("holds a number out of range");
        return item.via.u64;
    }
    bool truth() {
        const auto& item = next();
        if (item.type != msgpack::type::BOOLEAN) fail("holds something else than a truth value");
        return item.via.boolean;
    }
    std::string text(std::size_t bytes_max) {
        const auto& item = next();
        if (item.type != msgpack::type::STR) fail("holds something else than a string");
        if (item.via.str.size > bytes_max) fail("holds a string that is too long");
        return {item.via.str.ptr, item.via.str.size};
    }
    std::string_view bytes() {
        const auto& item = next();
        if (item.type != msgpack::type::BIN) fail("holds something else than bytes");
        return {item.via.bin.ptr, item.via.bin.size};
    }
    MsgpackReader array(std::size_t size_max) {
        const auto& item = next();
        MsgpackReader inner(item, what_);
        if (inner.items_.size > size_max) fail("holds an array that is too long");
        return inner;
    }
    std::uint32_t left() const { return items_.size - at_; }

private:
    const msgpack::object& next() {
        if (at_ == items_.size) fail("is too short");
        return items_.ptr[at_++];
    }
    [[noreturn]] void fail(const char* why) const {
        throw Malformed{std::string(what_) + " " + why};
    }

    const char* what_;
    msgpack::object_array items_{};
    std::uint32_t at_ = 0;
};

}  // namespace roost
