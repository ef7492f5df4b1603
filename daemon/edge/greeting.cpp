#include "daemon/edge/greeting.hpp"

#include <libwebsockets.h>

#include <map>
#include <utility>

#include "daemon/edge/http_request.hpp"
#include "proto/json.hpp"

namespace roost {

namespace {

// Of a name that stands twice the last is meant. What is not UTF-8 no backend could read.
std::string parameters_of(lws* wsi) {
    std::map<std::string, std::string> parameters;
    for (const auto& argument : arguments(wsi)) {
        const auto equals = argument.find('=');
        if (!is_utf8(argument)) continue;
        parameters[argument.substr(0, equals)] =
            equals == std::string::npos ? "" : argument.substr(equals + 1);
    }
    std::string json = "{";
    for (const auto& [name, value] : parameters) {
        if (json.size() > 1) json.push_back(',');
        append_quoted(json, name);
        json.push_back(':');
        append_quoted(json, value);
    }
    return json.append("}");
}

// A header that libwebsockets knows stands under its number only.
std::string any_header(lws* wsi, const std::string& name) {
    const std::string key = name + ":";
    for (int token = 0; token < WSI_TOKEN_COUNT; ++token) {
        const auto* known = lws_token_to_string(static_cast<lws_token_indexes>(token));
        if (known && key == reinterpret_cast<const char*>(known)) {
            return header(wsi, static_cast<lws_token_indexes>(token));
        }
    }
    return header(wsi, key);
}

}  // namespace

std::unique_ptr<backend::Request> greeting_of(lws* wsi, const Address& client,
                                              const std::vector<std::string>& headers) {
    auto greeting = std::make_unique<backend::Request>();
    greeting->kind = backend::Kind::connect;
    greeting->address = client.text();
    greeting->payload = parameters_of(wsi);
    for (const auto& name : headers) {
        auto value = any_header(wsi, name);
        if (!value.empty() && is_utf8(value)) {
            greeting->headers.emplace_back(name, std::move(value));
        }
    }
    return greeting;
}

}  // namespace roost
