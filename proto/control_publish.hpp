// control_publish: the codec of the verbs that publish to some, or much at once, and of kick.
//
// For control.cpp. Spec: proto/control.md.
#pragma once

#include "proto/control_fields.hpp"

namespace roost::control {

std::string encode_verb(std::uint64_t id, const PublishMany& verb);
std::string encode_verb(std::uint64_t id, const Kick& verb);
std::string encode_body(std::uint64_t id, const PublishedMany& body);

// Publish is read here in both of its forms. False if it is none of these verbs.
bool read_publish_verb(Fields& in, std::string_view name, decltype(Request::verb)& verb);
PublishedMany read_published(Fields& in);

}  // namespace roost::control
