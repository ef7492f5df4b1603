// What comes from other nodes: broadcasts, published and directed messages, fences, beacons.
#include "proto/beacon.hpp"
#include "proto/broadcast.hpp"
#include "proto/group_wire.hpp"
#include "tests/fuzz/input.hpp"

using namespace roost;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::text_of(data, size);
    if (const auto broadcast = Broadcast::parse(bytes)) {
        fuzz::expect((*broadcast)->wire() == bytes);
        (void)(*broadcast)->position();
        for (const Wire wire : {Wire::v1, Wire::v2, Wire::v2_text}) {
            (void)(*broadcast)->frame_for(wire, false);
            (void)(*broadcast)->frame_for(wire, true);
        }
    }
    (void)group::decode_published(bytes, bucket_bits_max);
    (void)group::decode_directed(bytes, bucket_bits_max);
    if (const auto fence = group::fence_of(bytes)) fuzz::expect(group::key_of(*fence) == bytes);
    if (const auto beacon = decode_beacon(bytes)) {
        fuzz::expect(decode_beacon(encode(*beacon)).has_value());
    }
    return 0;
}
