#include "proto/token_error.hpp"

namespace roost {

std::string_view name_of(TokenError error) {
    switch (error) {
        case TokenError::too_long: return "token too long";
        case TokenError::malformed: return "malformed token";
        case TokenError::unsupported: return "unsupported token";
        case TokenError::unknown_key: return "unknown key";
        case TokenError::bad_signature: return "bad signature";
        case TokenError::bad_time: return "bad time claim";
        case TokenError::bad_text: return "bad text claim";
        case TokenError::bad_topics: return "bad topics claim";
        case TokenError::no_expiry: return "token without expiry";
        case TokenError::expired: return "token expired";
        case TokenError::not_yet_valid: return "token not yet valid";
        case TokenError::wrong_issuer: return "wrong issuer";
        case TokenError::wrong_audience: return "wrong audience";
    }
    return "bad token";
}

std::string_view sentence_of(TokenError error) {
    switch (error) {
        case TokenError::too_long: return "is longer than 8192 bytes";
        case TokenError::malformed:
            return "is no JWT: three parts of base64url with dots between them, of which the first "
                   "two are JSON objects that name nothing twice";
        case TokenError::unsupported:
            return "has a header that asks for more than is known here: crit, or a typ that is not "
                   "JWT";
        case TokenError::unknown_key:
            return "was signed with a key that is not known here: none has its alg and its kid";
        case TokenError::bad_signature: return "has a signature that no key here has made";
        case TokenError::bad_time:
            return "has a bad time: exp, nbf and iat are numbers, of seconds since 1970";
        case TokenError::bad_text:
            return "has a bad text: iss is a string, sub one or a whole number, aud a string or an "
                   "array of strings";
        case TokenError::bad_topics:
            return "has bad topics: an array of patterns, or {\"join\":[...],\"push\":[...]}; at "
                   "most 100 patterns, of at most 1024 bytes, with * at the end only";
        case TokenError::no_expiry: return "has no exp, and would be valid for ever";
        case TokenError::expired: return "has expired: its exp is in the past";
        case TokenError::not_yet_valid: return "is not yet valid: its nbf is in the future";
        case TokenError::wrong_issuer:
            return "is of another issuer: its iss is not the one asked for";
        case TokenError::wrong_audience:
            return "is meant for others: its aud does not name the audience asked for";
    }
    return "is refused";
}

}  // namespace roost
