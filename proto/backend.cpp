#include "proto/backend.hpp"

#include <algorithm>
#include <array>

#include "proto/client_binary.hpp"
#include "proto/limits.hpp"

namespace roost::backend {

namespace {

constexpr std::array<std::string_view, kinds> kind_names = {"connect", "join", "push"};
constexpr std::array<std::string_view, action_kinds> action_names = {"broadcast", "others", "push",
                                                                     "leave", "disconnect"};
constexpr std::array<std::string_view, outcomes> outcome_names = {"answered", "unavailable",
                                                                  "failed", "late", "cancelled"};
constexpr std::size_t user_bytes_max = 1024;
constexpr std::size_t data_bytes_max = 65'536;

template <class Enum, std::size_t size>
std::optional<Enum> parse(const std::array<std::string_view, size>& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Enum>(found - names.begin());
}

std::string objection_to_name(std::string_view what, std::string_view name, std::size_t most) {
    if (name.size() > most) {
        return std::string(what) + " is above " + std::to_string(most) + " bytes";
    }
    return is_utf8(name) ? "" : std::string(what) + " must be UTF-8";
}

std::string objection_to_payload(std::string_view payload, bool is_binary, JsonReader& reader) {
    if (is_binary || reader.is_valid(payload)) return "";
    return "payload must be JSON text, as in {\"body\":\"hi\"}, or bytes";
}

std::string objection_to(const Action& action, JsonReader& reader) {
    const bool is_message = action.kind <= Action::Kind::push;
    if (!is_message) return "";
    if (action.event.empty()) return "event must not be empty";
    if (action.event.starts_with("phx_")) {
        return "events that begin with phx_ are the protocol's own";
    }
    const std::size_t most = action.is_binary ? binary_name_bytes_max : limits::event_bytes_max;
    if (auto no = objection_to_name("topic", action.topic, most); !no.empty()) return no;
    if (auto no = objection_to_name("event", action.event, most); !no.empty()) return no;
    if (!action.is_binary && !is_json_object(action.payload)) {
        return "payload must be a JSON object, as in {\"body\":\"hi\"}, or bytes";
    }
    return objection_to_payload(action.payload, action.is_binary, reader);
}

}  // namespace

std::string_view name_of(Kind kind) {
    return kind_names[static_cast<std::size_t>(kind)];
}
std::optional<Kind> parse_kind(std::string_view name) {
    return parse<Kind>(kind_names, name);
}
std::string_view name_of(Action::Kind kind) {
    return action_names[static_cast<std::size_t>(kind)];
}
std::optional<Action::Kind> parse_action(std::string_view name) {
    return parse<Action::Kind>(action_names, name);
}
std::string_view name_of(Outcome::Kind kind) {
    return outcome_names[static_cast<std::size_t>(kind)];
}

std::string_view reason_of(Outcome::Kind kind) {
    switch (kind) {
        case Outcome::Kind::failed: return "backend failed";
        case Outcome::Kind::late: return "backend timed out";
        default: return "backend unavailable";
    }
}

std::string objection_to(const Response& response, JsonReader& reader) {
    if (auto no = objection_to_name("status", response.status, binary_name_bytes_max); !no.empty())
        return no;
    if (auto no = objection_to_payload(response.payload, response.is_binary, reader); !no.empty()) {
        return no;
    }
    if (response.user) {
        if (auto no = objection_to_name("user", *response.user, user_bytes_max); !no.empty())
            return no;
    }
    if (response.data) {
        if (response.data->size() > data_bytes_max) return "data is above 65536 bytes";
        if (!response.data->empty() && !reader.is_valid(*response.data))
            return "data must be JSON text";
    }
    if (response.actions.size() > actions_max) {
        return "actions has more than " + std::to_string(actions_max) + " items";
    }
    for (const Action& action : response.actions) {
        if (auto no = objection_to(action, reader); !no.empty()) {
            return std::string("the action ").append(name_of(action.kind)).append(": ").append(no);
        }
    }
    return "";
}

}  // namespace roost::backend
