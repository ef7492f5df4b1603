#include "daemon/core/event_log.hpp"

#include <charconv>
#include <utility>

namespace roost {

namespace {

std::size_t bytes_of(const EventLog::Entry& entry) {
    const Happening& it = entry.happening;
    return sizeof entry + it.user.size() + it.address.size() + it.topic.size();
}

}  // namespace

void EventLog::add(Happening happening, Time now) {
    entries_.push_back({std::move(happening), now});
    bytes_ += bytes_of(entries_.back());
    while (bytes_ > bytes_max_ && entries_.size() > 1) {
        bytes_ -= bytes_of(entries_.front());
        entries_.pop_front();
        ++first_;
    }
}

std::string EventLog::cursor(std::uint64_t after) const {
    return incarnation_text(incarnation_) + "/" + std::to_string(after);
}

std::optional<EventLog::Place> EventLog::place_of(std::string_view text) const {
    constexpr std::size_t digits = 16;
    if (text.size() < digits + 2 || text[digits] != '/') return std::nullopt;
    Incarnation incarnation = 0;
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto hex = std::from_chars(text.data(), text.data() + digits, incarnation, 16);
    const auto decimal = std::from_chars(text.data() + digits + 1, end, number);
    if (hex.ec != std::errc() || hex.ptr != text.data() + digits) return std::nullopt;
    if (decimal.ec != std::errc() || decimal.ptr != end) return std::nullopt;
    if (incarnation == incarnation_ && number + 1 >= first_ && number <= last()) {
        return Place{number, false};
    }
    return Place{first_ - 1, true};
}

}  // namespace roost
