// certificate: what the client listeners show over TLS: a certificate, its chain, and its key.
//
// Read once and checked whole; then put into the context of each shard, on the shard's own thread.
// Connections that are open keep what they began with.
#pragma once

#include <memory>
#include <string>

#include "proto/result.hpp"

struct ssl_ctx_st;

namespace roost {

class Certificate {
public:
    // PEM files: the certificate and then those above it; the key. The error names the flag, the
    // file, what is wrong, and what would be right.
    static Result<std::shared_ptr<const Certificate>, std::string> load(
        const std::string& certificate_file, const std::string& key_file);
    ~Certificate();
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;

    // The context speaks TLS 1.2 and later from now on, and shows this. False: it was not taken.
    bool put_into(ssl_ctx_st* context) const;

    // For the journal: whom it names, and until when it is valid.
    std::string describe() const;
    bool is_expired() const;

private:
    struct Impl;
    explicit Certificate(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
