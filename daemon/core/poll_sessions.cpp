#include "daemon/core/poll_sessions.hpp"

#include "daemon/core/invariant.hpp"
#include "proto/json.hpp"
#include "proto/ws_frame.hpp"

namespace roost {

namespace {
// What one get takes, more or less: the rest is for the next one.
constexpr std::size_t answer_bytes_max = 200'000;
// Of one session. phoenix.js has one.
constexpr std::size_t waits_max = 2;
}  // namespace

PollSessions::Opened PollSessions::open(std::string secret, Wire wire, Time now,
                                        std::unique_ptr<const Bearer> bearer,
                                        std::unique_ptr<backend::Request> greeting) {
    now_ = now;
    const SocketId socket = hub_.on_open(wire, now, std::move(bearer), std::move(greeting));
    Session& session = sessions_[socket];
    session.token = {home_, std::move(secret)};
    session.polled = now;
    session.place = by_age_.insert(by_age_.end(), socket);
    by_secret_[session.token.secret] = socket;
    return {socket, poll_answer(PollAnswer::gone, session.token, {})};
}

void PollSessions::ask(PollId id, const PollRequest& request, Time now) {
    now_ = now;
    const auto found = by_secret_.find(request.token.secret);
    if (found == by_secret_.end()) return outlet_.answer(id, poll_answer(PollAnswer::gone));
    if (request.kind == PollKind::get) return get(id, found->second, true, now);
    if (request.kind == PollKind::look) return get(id, found->second, false, now);
    post(id, found->second, request, now);
}

void PollSessions::get(PollId id, SocketId socket, bool may_wait, Time now) {
    Session& session = sessions_.at(socket);
    touch(session, now);
    hub_.on_pong(socket, now);
    // What comes now is for this one.
    session.waiting.reset();
    collect(socket);
    if (!session.messages.empty()) return answer_with_messages(id, session);
    if (!may_wait) return answer_with_nothing(id, session);
    if (session.waits.size() == waits_max) {
        const PollId oldest = session.waits.front();
        stop_waiting(oldest);
        answer_with_nothing(oldest, session);
    }
    session.waiting = id;
    session.waits.push_back(id);
    by_id_[id] = waits_.insert(waits_.end(), {id, socket, now + limits_.window});
}

// The outbox gives what has waited in pieces.
void PollSessions::collect(SocketId socket) {
    const std::string& messages = sessions_.at(socket).messages;
    std::size_t before = 0;
    do {
        before = messages.size();
        hub_.on_writable(socket);
    } while (messages.size() > before && messages.size() < answer_bytes_max);
}

void PollSessions::answer_with_messages(PollId id, Session& session) {
    outlet_.answer(id, poll_answer(PollAnswer::ok, session.token, session.messages));
    session.messages = {};
}

void PollSessions::answer_with_nothing(PollId id, const Session& session) {
    outlet_.answer(id, poll_answer(PollAnswer::nothing, session.token, {}));
}

void PollSessions::post(PollId id, SocketId socket, const PollRequest& request, Time now) {
    if (request.kind == PollKind::frame) {
        say(socket, request.body, false, now);
    } else {
        for_each_frame(request.body, [&](std::string_view frame, bool is_binary) {
            say(socket, frame, is_binary, now);
        });
    }
    outlet_.answer(id, poll_answer(PollAnswer::ok));
}

void PollSessions::say(SocketId socket, std::string_view frame, bool is_binary, Time now) {
    if (frame.size() > limits_.frame_bytes_max) {
        hub_.on_too_big(socket);
    } else if (is_binary) {
        hub_.on_binary(socket, frame, now);
    } else {
        hub_.on_text(socket, frame, now);
    }
}

void PollSessions::forget(PollId id) {
    if (by_id_.contains(id)) stop_waiting(id);
}

PollSessions::Session& PollSessions::stop_waiting(PollId id) {
    const auto found = by_id_.find(id);
    Session& session = sessions_.at(found->second->socket);
    waits_.erase(found->second);
    by_id_.erase(found);
    std::erase(session.waits, id);
    if (session.waiting == id) session.waiting.reset();
    return session;
}

bool PollSessions::send(SocketId socket, std::string_view frames) {
    Session& session = sessions_.at(socket);
    while (!frames.empty()) {
        const auto frame = ws::take_frame(frames);
        INVARIANT(frame && frame->opcode != ws::Opcode::binary);
        if (frame->opcode == ws::Opcode::ping && session.waiting) hub_.on_pong(socket, now_);
        if (frame->opcode != ws::Opcode::text) continue;
        if (!session.messages.empty()) session.messages.push_back(',');
        append_quoted(session.messages, frame->content);
    }
    if (session.messages.empty()) return true;
    if (!session.waiting) return false;
    const PollId id = *session.waiting;
    stop_waiting(id);
    touch(session, now_);
    answer_with_messages(id, session);
    return true;
}

void PollSessions::end_if_closed(SocketId socket) {
    const auto found = sessions_.find(socket);
    if (found != sessions_.end() && found->second.is_closed) end(socket);
}

void PollSessions::end(SocketId socket) {
    const std::vector<PollId> waits = sessions_.at(socket).waits;
    for (const PollId id : waits) stop_waiting(id);
    const Session& session = sessions_.at(socket);
    by_age_.erase(session.place);
    by_secret_.erase(session.token.secret);
    sessions_.erase(socket);
    hub_.on_close(socket);
    outlet_.over(socket);
    // At last: who is told so may begin a new one.
    for (const PollId id : waits) outlet_.answer(id, poll_answer(PollAnswer::gone));
}

void PollSessions::tick(Time now) {
    now_ = now;
    while (!waits_.empty() && waits_.front().until <= now) {
        const PollId id = waits_.front().id;
        Session& session = stop_waiting(id);
        touch(session, now);
        answer_with_nothing(id, session);
    }
    while (!by_age_.empty() && sessions_.at(by_age_.front()).polled + 2 * limits_.window <= now) {
        end(by_age_.front());
    }
}

void PollSessions::touch(Session& session, Time now) {
    session.polled = now;
    by_age_.splice(by_age_.end(), by_age_, session.place);
}

}  // namespace roost
