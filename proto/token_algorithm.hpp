// token_algorithm: the three ways to sign a token that are known here.
#pragma once

#include <cstdint>
#include <string_view>

namespace roost {

enum class TokenAlgorithm : std::uint8_t { hs256, rs256, es256 };

// As the header of a token spells it.
inline std::string_view name_of(TokenAlgorithm algorithm) {
    switch (algorithm) {
        case TokenAlgorithm::hs256: return "HS256";
        case TokenAlgorithm::rs256: return "RS256";
        case TokenAlgorithm::es256: break;
    }
    return "ES256";
}

}  // namespace roost
