// control_backend: the part of the control socket's codec for backends. Of control.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/control_fields.hpp"

namespace roost::control {

std::string encode_verb(std::uint64_t id, const Handle& verb);
std::string encode_verb(std::uint64_t id, const Unhandle& verb);
std::string encode_verb(std::uint64_t id, const Respond& verb);
std::string encode_verb(std::uint64_t id, const Ask& verb);
std::string encode_body(std::uint64_t id, const Asked& body);
std::string encode_body(std::uint64_t id, const Replied& body);

// False if it is none of these verbs.
bool read_backend_verb(Fields& in, std::string_view name, decltype(Request::verb)& verb);
Asked read_asked(Fields& in);

}  // namespace roost::control
