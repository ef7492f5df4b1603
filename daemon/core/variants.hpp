// variants: the frames of one broadcast in a turn, each made when the first member needs it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "daemon/core/outbox.hpp"
#include "proto/broadcast.hpp"

namespace roost {

class Variants {
public:
    Variants(Outbox& outbox, const BroadcastRef& broadcast)
        : outbox_(outbox), broadcast_(broadcast) {}

    // For Outbox::put, in this turn.
    std::uint32_t common() {
        if (!common_) common_ = outbox_.add(broadcast_, broadcast_->frame());
        return *common_;
    }
    std::uint32_t of(Wire wire, bool is_positioned) {
        if (broadcast_->is_common(wire, is_positioned)) return common();
        auto& place = other_[static_cast<std::size_t>(wire)][is_positioned ? 1 : 0];
        if (!place) {
            auto frame =
                std::make_shared<const std::string>(broadcast_->frame_for(wire, is_positioned));
            const std::string_view bytes = *frame;
            place = outbox_.add(std::move(frame), bytes);
        }
        return *place;
    }

private:
    Outbox& outbox_;
    const BroadcastRef& broadcast_;
    std::optional<std::uint32_t> common_;
    std::array<std::array<std::optional<std::uint32_t>, 2>, wires> other_{};
};

}  // namespace roost
