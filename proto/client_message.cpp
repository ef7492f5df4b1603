#include "proto/client_message.hpp"

namespace roost {

std::string_view reason_of(FrameError error) {
    switch (error) {
        case FrameError::not_json: return "frame is not JSON";
        case FrameError::not_utf8: return "frame is not UTF-8";
        case FrameError::too_deep: return "frame is nested too deeply";
        case FrameError::not_an_array: return "frame is not an array";
        case FrameError::not_an_object: return "frame is not an object";
        case FrameError::too_few_elements: return "frame does not have 5 elements";
        case FrameError::lacks_a_key: return "frame lacks topic, event, payload or ref";
        case FrameError::event_not_a_string: return "event is not a string";
        case FrameError::too_long: return "ref, topic or event is too long";
        case FrameError::bad_binary: return "binary frame is not a push";
        case FrameError::no_binary: return "binary frames need a WebSocket with vsn=2.0.0";
    }
    return "frame is not valid";
}

}  // namespace roost
