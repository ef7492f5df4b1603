// Bodies of the HTTP API, and its files of keys.
#include "proto/api.hpp"
#include "tests/fuzz/input.hpp"

using namespace roost;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::text_of(data, size);
    JsonReader reader;
    if (const auto publish = api::parse_publish(reader, bytes)) {
        const control::Request request{1, *publish};
        const auto again = control::decode_request(control::encode(request));
        fuzz::expect(again.has_value() && *again == request);
        fuzz::expect(!publish->messages.empty());
    } else {
        fuzz::expect(reader.is_valid(publish.error().body));
    }
    if (const auto keys = api::parse_keys(bytes)) fuzz::expect(api::is_key(*keys, keys->front()));
    return 0;
}
