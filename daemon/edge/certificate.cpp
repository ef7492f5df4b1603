#include "daemon/edge/certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>

#include "proto/openssl_handle.hpp"

namespace roost {

namespace {

void free_chain(STACK_OF(X509) * chain) {
    sk_X509_pop_free(chain, X509_free);
}
using X509Ptr = Handle<X509, X509_free>;
using KeyPtr = Handle<EVP_PKEY, EVP_PKEY_free>;
using ChainPtr = Handle<STACK_OF(X509), free_chain>;

// A daemon has nobody whom it could ask for a passphrase.
int no_passphrase(char*, int, int, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

Bio open_file(const std::string& file) {
    ERR_clear_error();
    errno = 0;
    return Bio(BIO_new_file(file.c_str(), "r"));
}

std::string cannot_read(const std::string& what) {
    const int error = errno;
    ERR_clear_error();
    return what + ": cannot be read: " + std::strerror(error != 0 ? error : EIO);
}

}  // namespace

struct Certificate::Impl {
    X509Ptr leaf;
    ChainPtr chain;
    KeyPtr key;

    // What is wrong, if anything is.
    std::string read_certificate(const std::string& file);
    std::string read_key(const std::string& file);
};

std::string Certificate::Impl::read_certificate(const std::string& file) {
    const std::string what = "--tls-cert " + file;
    const Bio bio = open_file(file);
    if (!bio) return cannot_read(what);
    leaf.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!leaf) {
        ERR_clear_error();
        return what + ": has no certificate in PEM (-----BEGIN CERTIFICATE-----)";
    }
    chain.reset(sk_X509_new_null());
    while (X509* above = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        sk_X509_push(chain.get(), above);
    }
    const auto error = ERR_peek_last_error();
    ERR_clear_error();
    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) {
        return {};
    }
    return what + ": certificate " + std::to_string(sk_X509_num(chain.get()) + 2) +
           " in it is broken";
}

std::string Certificate::Impl::read_key(const std::string& file) {
    const std::string what = "--tls-key " + file;
    const Bio bio = open_file(file);
    if (!bio) return cannot_read(what);
    bool is_encrypted = false;
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &is_encrypted));
    ERR_clear_error();
    if (key) return {};
    if (is_encrypted) {
        return what + ": is encrypted with a passphrase: give it without one (openssl pkey)";
    }
    return what + ": has no private key in PEM (-----BEGIN PRIVATE KEY-----)";
}

Certificate::Certificate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Certificate::~Certificate() = default;

Result<std::shared_ptr<const Certificate>, std::string> Certificate::load(
    const std::string& certificate_file, const std::string& key_file) {
    auto impl = std::make_unique<Impl>();
    std::string objection = impl->read_certificate(certificate_file);
    if (objection.empty()) objection = impl->read_key(key_file);
    if (objection.empty() && X509_check_private_key(impl->leaf.get(), impl->key.get()) != 1) {
        objection = "--tls-key " + key_file + ": is not the key of the first certificate in " +
                    certificate_file;
    }
    ERR_clear_error();
    if (!objection.empty()) return Unexpected{std::move(objection)};
    std::shared_ptr<const Certificate> certificate(new Certificate(std::move(impl)));
    objection = certificate->try_out();
    if (objection.empty()) return certificate;
    return Unexpected{"--tls-cert " + certificate_file +
                      ": OpenSSL does not take it: " + objection};
}

// What is too weak for it, it says only to a context.
std::string Certificate::try_out() const {
    constexpr int instead = 1;  // of what it has
    const Handle<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_server_method()));
    if (SSL_CTX_use_cert_and_key(context.get(), impl_->leaf.get(), impl_->key.get(),
                                 impl_->chain.get(), instead) == 1) {
        return {};
    }
    const auto* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "it gives no reason";
}

bool Certificate::serve(ssl_ctx_st* context, const std::shared_ptr<const Certificate>& current) {
    const auto show = [](SSL* connection, void* slot) -> int {
        constexpr int instead = 1;
        const Impl& now = *(*static_cast<const std::shared_ptr<const Certificate>*>(slot))->impl_;
        SSL_certs_clear(connection);
        return SSL_use_cert_and_key(connection, now.leaf.get(), now.key.get(), now.chain.get(),
                                    instead);
    };
    SSL_CTX_set_cert_cb(context, show, const_cast<std::shared_ptr<const Certificate>*>(&current));
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

std::string Certificate::describe() const {
    const Bio bio(BIO_new(BIO_s_mem()));
    BIO_puts(bio.get(), "subject=\"");
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(impl_->leaf.get()), 0,
                       XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    BIO_puts(bio.get(), "\" expires=\"");
    ASN1_TIME_print(bio.get(), X509_get0_notAfter(impl_->leaf.get()));
    BIO_puts(bio.get(), "\"");
    return text_of(bio.get());
}

bool Certificate::is_expired() const {
    return X509_cmp_current_time(X509_get0_notAfter(impl_->leaf.get())) < 0;
}

}  // namespace roost
