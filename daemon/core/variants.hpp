// variants: the frames of one broadcast in a turn, each made when the first member needs it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/core/outbox.hpp"
#include "proto/broadcast.hpp"

namespace roost {

class Variants {
public:
    Variants(Outbox& outbox, const BroadcastRef& broadcast, SlowPolicy slow)
        : outbox_(outbox), broadcast_(broadcast), slow_(slow) {}

    // For Outbox::put, in this turn.
    FrameId common() {
        if (!common_) common_ = add(broadcast_, broadcast_->frame(), false);
        return *common_;
    }
    FrameId of(Wire wire, bool is_positioned) {
        if (broadcast_->is_common(wire, is_positioned)) return common();
        auto& place = other_[static_cast<std::size_t>(wire)][is_positioned ? 1 : 0];
        if (!place) {
            auto other = std::make_shared<const Other>(
                Other{broadcast_, broadcast_->frame_for(wire, is_positioned)});
            const std::string_view bytes = other->bytes;
            place = add(std::move(other), bytes, is_positioned);
        }
        return *place;
    }

private:
    struct Other {
        BroadcastRef broadcast;
        std::string bytes;
    };

    FrameId add(std::shared_ptr<const void> owner, std::string_view bytes, bool is_positioned) {
        return outbox_.add({std::move(owner), bytes, broadcast_.get(), slow_, is_positioned});
    }

    Outbox& outbox_;
    const BroadcastRef& broadcast_;
    SlowPolicy slow_;
    std::optional<FrameId> common_;
    std::array<std::array<std::optional<FrameId>, 2>, wires> other_{};
};

}  // namespace roost
