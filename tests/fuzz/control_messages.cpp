// Requests on the control socket, and their answers.
#include "proto/control.hpp"
#include "tests/fuzz/input.hpp"

using namespace roost;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::text_of(data, size);
    if (const auto request = control::decode_request(bytes)) {
        const auto again = control::decode_request(control::encode(*request));
        fuzz::expect(again.has_value() && *again == *request);
    } else {
        fuzz::expect(!control::encode(request.error()).empty());
    }
    if (const auto answer = control::decode_answer(bytes)) {
        const auto again = control::decode_answer(control::encode(*answer));
        fuzz::expect(again.has_value() && *again == *answer);
    }
    return 0;
}
