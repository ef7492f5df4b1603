// token_vectors: keys and tokens that other programs have made.
//
// Those of the namespace rfc7515 are the examples of that text (appendix A.1 to A.3). The others
// were made by PyJWT 2.6 and OpenSSL 3.0.
#pragma once

#include <cstdint>
#include <string>

namespace roost::vectors {

namespace rfc7515 {

// Their claims: {"iss":"joe", "exp":1300819380, "http://example.com/is_root":true}
inline constexpr std::int64_t exp = 1300819380;
inline const std::string hs256_token =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo"
    "gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOE"
    "jXk";
inline const std::string hs256_jwk = R"({"kty":"oct",
    "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";
inline const std::string rs256_token =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
    "lLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5R"
    "Zmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrn"
    "byTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHW"
    "EsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
    "cN_IoypGlUPQGe77Rw";
inline const std::string rsa_modulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
    "0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
    "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
    "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
inline const std::string rs256_jwk = R"({"kty":"RSA","e":"AQAB","n":")" + rsa_modulus + R"("})";
inline const std::string es256_token =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
    "lLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
    "SlSApmWQxfKTUJqPP3-Kg6NU1Q";
inline const std::string es256_jwk = R"({"kty":"EC","crv":"P-256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";

}  // namespace rfc7515

// Of all tokens below:
// {"sub":"ada","org":"acme","level":7,"iat":1700000000,"exp":1700003600,"iss":"shop",
//  "aud":["chat","mail"],"topics":{"join":["room:*"],"push":["room:1"]}}
inline constexpr std::int64_t iat = 1700000000;
inline constexpr std::int64_t exp = 1700003600;

inline const std::string secret = "correct horse battery staple, and then some";
inline const std::string hs256_token =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJvcmciOiJhY21lIiwibGV2ZWwiOjcsIml"
    "hdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwLCJpc3MiOiJzaG9wIiwiYXVkIjpbImNoYXQiLCJtYWlsIl0"
    "sInRvcGljcyI6eyJqb2luIjpbInJvb206KiJdLCJwdXNoIjpbInJvb206MSJdfX0.GawzYoLjW321bqDEg6_xvpq"
    "ByVoRq0lKeNFUz-CHBa4";

// Its kid is rsa-1.
inline const std::string rs256_token =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEiLCJvcmciOiJhY21l"
    "IiwibGV2ZWwiOjcsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwLCJpc3MiOiJzaG9wIiwiYXVkIjpb"
    "ImNoYXQiLCJtYWlsIl0sInRvcGljcyI6eyJqb2luIjpbInJvb206KiJdLCJwdXNoIjpbInJvb206MSJdfX0.J7qd"
    "DhMUa-b7eYnHG3LsYWLrjUxbMpnQFyJL_yLDOtbVR9DEdh5EpPi3fo82-BMlh2y_492O9hZyHQUjGQXoRj_y9mID"
    "EdUb1vEYxV5azQeBQpy5xzU0PDYGfM5NmP46qxWtjdqAZ7hJ9LWoQpiBTBVCkCZqKHnoDVPzB01WpqQ7hytXNb4N"
    "wg3kF_DDDp_OzNtYxH46WdN8WjDqF4dzUXj6U8sznVhQNrMgo20LPBtAMYSiU3SdK93hjrOHudL9o6rMTWcmMLGK"
    "EFXPvgGY2X4IQucOIlRMON0YQ6zq0_SsNk5U2NuiSiKDBpUPnshoIwAqmpHVdbyq5UvCxM083Q";
inline const std::string rsa_public = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAs1PhnrSd439zGn31HL5n
a0kyypzfx3GVrfciIxtmd24aWD/GeFWjYv82/qhHv/d8WU/gOpCmYYpkcjdiXxYI
2DbVOTvjMp9PaoacqR9o5Sc3odN3Wp65Py8Oub5LtEHhMQChMGHTNZfBTbRPXjk0
VbmsL+QJa99u6qK04X9WlWWgzdy+xfuC5cTIi62CF+Hp+dKJKeXquY2HYX2dRxrN
/pH9N/pRjUCRobVuI3OKZw20QaylT7Ctj3xA55v4L/+c+ZHID26zT79eMO0UwcAg
nSQQzrmQJdNh4d4jnRwOzhByxSjpwIQ4+Lxx1EiWj4rGrLqBE4b6JcrcYwnK5tGc
uwIDAQAB
-----END PUBLIC KEY-----
)";
inline const std::string rsa_private = R"(-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCzU+GetJ3jf3Ma
ffUcvmdrSTLKnN/HcZWt9yIjG2Z3bhpYP8Z4VaNi/zb+qEe/93xZT+A6kKZhimRy
N2JfFgjYNtU5O+Myn09qhpypH2jlJzeh03danrk/Lw65vku0QeExAKEwYdM1l8FN
tE9eOTRVuawv5Alr327qorThf1aVZaDN3L7F+4LlxMiLrYIX4en50okp5eq5jYdh
fZ1HGs3+kf03+lGNQJGhtW4jc4pnDbRBrKVPsK2PfEDnm/gv/5z5kcgPbrNPv14w
7RTBwCCdJBDOuZAl02Hh3iOdHA7OEHLFKOnAhDj4vHHUSJaPisasuoEThvolytxj
Ccrm0Zy7AgMBAAECggEARabr+EexF77WB1ErFjoCU1KADuB1rrK4b3SQ5s/qsbKr
OuGyheTFbFsykiDslWxb+RikQDsU1Mf7Eb3fUI1vbAOIOA3BxlTIdNjKGopfpLnh
ytInBqSl0RvG/XAjWWVJQU48TV2BuswxwauqNC/F2xIeBg/tdN+45hvCY9+g0q+a
/0IiFv+qmcBrqEeCScWezknV3hS8lGP66+DjR1uK+jbLwgcbHNcyfeZdy+042HxO
69ASyul0SSna/UbaaMOJI4a4VG3E1Lxw/a3MHkNsAZzYfCvJAL+MJgMs0iiuV0BA
/3alylqt1gcatSVADKjaoKCkrOY9560C+3UmMXRhsQKBgQDeuCrtl2nWpNaejt+v
+aWNGHCJqCuzWQA5Uk3qSbkkdO63djZwXpmWMAkNwT/1RAK6DYMGBegTFdgKmF+2
XyfVfqMoJ9Rgg/hrpvL3aRlIfh8L+e+rDxazil2wW1YqdJsJwEk50LIX4wFMHGe9
tm4wzTnCEaL1dMh+2tpyuhXNwwKBgQDOH9IWHv5FoNAuGpS7U4IpkhjpnROGi1a2
a/5wR4sX9Jsd17NlFHDSdf/P5v5Su9OjzZyeFN8Wu5f2Ewk2Cv4oVpPfPfDcaRC3
zhrh29biNTynK6hxlEhaaSsopqjP8c47F3uT404jxeZDop5Jwi7JIOkiZRfqCpPQ
BpmCXiCtqQKBgE3x9lQgYZIVLmdfaTmVDTNMElaa3HBv/XwSKeKM2pa/tavPW04I
TYgaV5DQySl1G98xS2GYP5guVOWgXh7dPnuhTkiHZ/Q/O3mxe+bKiWatfQAcAJzF
MxSyoAdQb99736aR/Q6W0z043QNeDZB/gCDkMgqRUY7FyEVdIoZ0SZ0xAoGBAJgL
4vXMYPZNnKMVmnbgL9ioW1YgNyH9MLaZzPNX4uOF3NJTpZI/VMX6ovviQeIXiROA
fTIi5TkoofyzqAzEaRyqWKPJVh3QJrPfBfdrKgRtDtOlobg+kGyYvWxcG5Rgoyb1
uIOrnZ1HwwZLM4XnBon4i+CCP/S1XrmJ1LzU4DgZAoGAParWu64UznNiym9xqsOB
ftqdldUnOjTxHK5yrSroJy0fKGJn00yWp9q+9pBLm5wNrT7PQK9a4eZFU4uniKhz
yAQOQheyxRCZm88450B1l5gY8tL/Qt2fL2arW48XYqMqS5HYnRztiD1C/FvdJJp+
xpkDTTt0mr2KAyCmGCRSxtw=
-----END PRIVATE KEY-----
)";

// Its kid is ec-1.
inline const std::string es256_token =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhZGEiLCJvcmciOiJhY21lI"
    "iwibGV2ZWwiOjcsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwLCJpc3MiOiJzaG9wIiwiYXVkIjpbI"
    "mNoYXQiLCJtYWlsIl0sInRvcGljcyI6eyJqb2luIjpbInJvb206KiJdLCJwdXNoIjpbInJvb206MSJdfX0.qGYPX"
    "AgzpxYuLU8I1ovdS66Xw4TY3eKrfnsxqZRrpAfTpTAMbq8khaQHAaYUfgWlRg9jLblY3FQjxcf6OBtRdQ";
inline const std::string p256_public = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExDNTtNddYrtFervKr0XTixm9lxU3
U+Zry6YsYvnxL/4NNtzG+BNTvf3A5Vo/zk7G38CqvpUOUOOjP74Od0sX/A==
-----END PUBLIC KEY-----
)";
inline const std::string p256_private = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEzAPKGrzJIg+haye
7xEV4jOm4gqFn/U79zkc+er5SzWhRANCAATEM1O0111iu0V6u8qvRdOLGb2XFTdT
5mvLpixi+fEv/g023Mb4E1O9/cDlWj/OTsbfwKq+lQ5Q46M/vg53Sxf8
-----END PRIVATE KEY-----
)";

// Its alg is none.
inline const std::string unsigned_token =
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEiLCJvcmciOiJhY21lIiwibGV2ZWwiOjcsImlh"
    "dCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwLCJpc3MiOiJzaG9wIiwiYXVkIjpbImNoYXQiLCJtYWlsIl0s"
    "InRvcGljcyI6eyJqb2luIjpbInJvb206KiJdLCJwdXNoIjpbInJvb206MSJdfX0.";

// Its alg is HS256, and its secret the text of rsa_public.
inline const std::string confused_token =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJvcmciOiJhY21lIiwibGV2ZWwiOjcsIml"
    "hdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwLCJpc3MiOiJzaG9wIiwiYXVkIjpbImNoYXQiLCJtYWlsIl0"
    "sInRvcGljcyI6eyJqb2luIjpbInJvb206KiJdLCJwdXNoIjpbInJvb206MSJdfX0.aKKElh1QoafzsNaGAsYPI-G"
    "HzVDCmQqvrhkXyYVsreU";

// Keys of no use here.
inline const std::string small_rsa_public = R"(-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDpW0GKIqfqJDwtv5teXHFtxWhn
1TAYkjMytIVSim4AJfeTco53ntgyzFqumIzh0QlD9Kb1FWUeFyW+WRs8UmqybEJ7
5iaxRxjF8tdqrLLg67ozFHx1QwhGEaT+eGmMpWL2XZPpcGv1BpClwswtAgUt6GAC
i11fxwSVkzX/U0cWXQIDAQAB
-----END PUBLIC KEY-----
)";
inline const std::string p384_public = R"(-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEeyh/6N/51wCzrByv+S6+3aF2pn8PuVU/
ARzChcsrXct9scHB7yWTyFcZo98kb4b2iWRnPSGq2wLdgtCL5RRTYh9KJMiih0EI
sXVRQMK8qO3QTu8u2w+x8cCcdnSXcQnr
-----END PUBLIC KEY-----
)";
inline const std::string ed25519_public = R"(-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA1tcGtT54Xx2dte04Qp6oQ9Nv8e00di1CrgiGzpJ54mY=
-----END PUBLIC KEY-----
)";
inline const std::string encrypted_private = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiAnTjqNShAPwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHG8UD9opAJK9v8Hp97g1sAEgZDE
j3fzxJCAFl97SaPRQWr9shkckPUcDn56iGfB+rBqvybFH0l7Ei//wcDVyA6TG5Sk
UF7TFS0d2di9pyi+MTh4yDNco0jsA40qRaS5hIF6l3XCGhXMxoFfzOU1FLWuhLTC
towcsFUC3UorzBXIcNBB89AKCMYu8Gxnx8TNcTfQgtaBaXoapeUDISK3d8HRkec=
-----END ENCRYPTED PRIVATE KEY-----
)";
inline const std::string certificate = R"(-----BEGIN CERTIFICATE-----
MIIBbjCCARWgAwIBAgIUMSZ/nl5SoGX72EPvxuj4PfX8eg8wCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBdDAgFw0yNjExMjQxNTM3NTBaGA8yMDU0MDQxMDE1Mzc1MFow
DDEKMAgGA1UEAwwBdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMQzU7TXXWK7
RXq7yq9F04sZvZcVN1Pma8umLGL58S/+DTbcxvgTU739wOVaP85Oxt/Aqr6VDlDj
oz++DndLF/yjUzBRMB0GA1UdDgQWBBSasLiVeX3D9QI/X1l0eRxP2l4ElTAfBgNV
HSMEGDAWgBSasLiVeX3D9QI/X1l0eRxP2l4ElTAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0cAMEQCIBYkrqmOxOrvuzyu7NQXszB99xaLt6Bkkd3ENUuMLm8R
AiAUE83+O1e5PcYUaR+NHZB0t5S/fg1kgA6cyFGq1Qf2nw==
-----END CERTIFICATE-----
)";

}  // namespace roost::vectors
