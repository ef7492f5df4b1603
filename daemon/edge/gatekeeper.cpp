#include "daemon/edge/gatekeeper.hpp"

#include <utility>

#include "daemon/edge/start_error.hpp"
#include "proto/zap.hpp"

namespace roost {

namespace {
// More than any question has: what is beyond is not kept, and makes it a bad one.
constexpr std::size_t parts_max = 16;
}  // namespace

Gatekeeper::Gatekeeper(Loop& loop, zmq::context_t& context, std::vector<GroupKey> admitted,
                       OnRefused on_refused)
    : admitted_(std::move(admitted)),
      on_refused_(std::move(on_refused)),
      port_(loop, context, zmq::socket_type::rep,
            [this](ZmqPort&, zmq::message_t& part) { on_part(part); }) {
    port_.socket().set(zmq::sockopt::linger, 0);
    try {
        port_.socket().bind(zap::endpoint);
    } catch (const zmq::error_t& error) {
        throw StartError(exit_code::software,
                         std::string("cannot bind ") + zap::endpoint + ": " + error.what());
    }
}

void Gatekeeper::on_part(zmq::message_t& part) {
    if (question_.size() < parts_max) question_.push_back(part.to_string());
    if (part.more()) return;
    const auto verdict = zap::judge(std::exchange(question_, {}), admitted_);
    for (std::size_t i = 0; i + 1 < verdict.answer.size(); ++i) {
        port_.send(verdict.answer[i], zmq::send_flags::sndmore);
    }
    port_.send(verdict.answer.back());
    if (!verdict.is_admitted) on_refused_(verdict.address);
}

}  // namespace roost
