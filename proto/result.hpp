// result: a value, or why there is none. The names are std::expected's, to be replaced by it.
#pragma once

#include <utility>
#include <variant>

namespace roost {

template <class E>
struct Unexpected {
    E error;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

template <class T, class E>
class [[nodiscard]] Result {
public:
    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    Result(Unexpected<E> failure) : held_(std::in_place_index<1>, std::move(failure.error)) {}

    bool has_value() const { return held_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& operator*() { return std::get<0>(held_); }
    const T& operator*() const { return std::get<0>(held_); }
    T* operator->() { return &std::get<0>(held_); }
    const T* operator->() const { return &std::get<0>(held_); }
    const E& error() const { return std::get<1>(held_); }

private:
    std::variant<T, E> held_;
};

}  // namespace roost
