#include "daemon/core/session_book.hpp"

namespace roost {

std::optional<Happening> SessionBook::add(const Happening& happening, Time now) {
    const auto& topic = happening.topic;
    switch (happening.kind) {
        case Happening::Kind::connected:
            sessions_[happening.session] = {happening.user, happening.address, now, {}};
            return std::nullopt;
        case Happening::Kind::disconnected: sessions_.erase(happening.session); return std::nullopt;
        case Happening::Kind::joined: {
            auto& session = sessions_[happening.session];
            session.user = happening.user;
            session.channels.emplace(happening.join, topic);
            if (++topics_[topic] > 1) return std::nullopt;
            return Happening{
                .kind = Happening::Kind::topic_occupied, .session = {}, .topic = topic};
        }
        case Happening::Kind::left: {
            sessions_[happening.session].channels.erase(happening.join);
            if (--topics_[topic] > 0) return std::nullopt;
            topics_.erase(topic);
            return Happening{.kind = Happening::Kind::topic_vacated, .session = {}, .topic = topic};
        }
        case Happening::Kind::topic_occupied:
        case Happening::Kind::topic_vacated: break;
    }
    return std::nullopt;
}

}  // namespace roost
