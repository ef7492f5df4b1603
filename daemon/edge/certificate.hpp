// certificate: what the client listeners show over TLS: a certificate, its chain, and its key.
//
// Read once and checked whole; each handshake takes the one that its shard has then, so that
// nothing of the last one is left (a context would keep an EC certificate beside a new RSA one, and
// show either). Connections that are open keep what they began with.
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

    // The context speaks TLS 1.2 and later from now on, and shows at each handshake what stands in
    // `current`, which outlives it. False: it was not taken.
    static bool serve(ssl_ctx_st* context, const std::shared_ptr<const Certificate>& current);

    // For the journal: whom it names, and until when it is valid.
    std::string describe() const;
    bool is_expired() const;

private:
    struct Impl;
    explicit Certificate(std::unique_ptr<Impl> impl);
    // Empty, or why OpenSSL does not take it.
    std::string try_out() const;

    std::unique_ptr<Impl> impl_;
};

}  // namespace roost
