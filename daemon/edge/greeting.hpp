// greeting: what a backend is told of a client that connects.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proto/address.hpp"
#include "proto/backend.hpp"

struct lws;

namespace roost {

// Of a request that libwebsockets is telling about: the parameters of its URL, and those of the
// named headers that it has.
std::unique_ptr<backend::Request> greeting_of(lws* wsi, const Address& client,
                                              const std::vector<std::string>& headers);

}  // namespace roost
