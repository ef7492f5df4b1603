// openssl_handle: what OpenSSL gives away, freed by the function that is for it; and its errors.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>

#include <memory>
#include <string>

namespace roost {

template <auto function>
struct FreeBy {
    template <class T>
    void operator()(T* held) const {
        function(held);
    }
};
template <class T, auto function>
using Handle = std::unique_ptr<T, FreeBy<function>>;

// OpenSSL keeps its errors in a queue of the thread, where the next one to look would take them
// for its own.
struct QuietErrors {
    QuietErrors() = default;
    ~QuietErrors() { ERR_clear_error(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
};

using Bio = Handle<BIO, BIO_free_all>;

// What has been written to a BIO in memory.
inline std::string text_of(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace roost
