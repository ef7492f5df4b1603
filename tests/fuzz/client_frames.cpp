// Text and binary frames of clients. The first byte chooses the wire.
#include "proto/broadcast.hpp"
#include "proto/client_binary.hpp"
#include "proto/client_text.hpp"
#include "tests/fuzz/input.hpp"

using namespace roost;

namespace {

JsonReader& reader() {
    static JsonReader one(64);
    return one;
}

// What was read of a client may be said to others: then it must be valid itself.
void check(const ClientMessage& message, Wire wire) {
    for (const auto raw : {message.join_ref, message.ref, message.raw_topic}) {
        JsonReader other(66);
        fuzz::expect(other.is_valid(raw));
    }
    fuzz::expect(is_utf8(message.topic) && is_utf8(message.event));
    const auto reply =
        reply_frame(wire, message.join_ref, message.ref, message.raw_topic, "ok", "{}");
    fuzz::expect(!reply.empty());
    const bool is_binary = message.is_binary;
    if (!message.is_topic_a_string || (!is_binary && !is_json_object(message.payload))) return;
    const auto made = Broadcast::encode(
        {7, 1}, 1, {message.topic, message.event, message.payload, {}, is_binary});
    const auto read = Broadcast::parse(made->wire());
    fuzz::expect(read.has_value() && (*read)->payload() == message.payload);
    for (const Wire other : {Wire::v1, Wire::v2}) {
        fuzz::expect(!made->frame_for(other, true).empty());
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto frame = fuzz::text_of(data + 1, size - 1);
    FrameScratch scratch;
    const Wire wire = data[0] % 2 == 0 ? Wire::v2 : Wire::v1;
    const auto message = data[0] % 3 == 2 ? decode_binary(frame, scratch)
                                          : decode_text(wire, reader(), frame, scratch);
    if (message) check(*message, wire);
    return 0;
}
