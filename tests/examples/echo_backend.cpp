// A backend beside the roostd of this machine: it lets everybody join echo:*, and answers each push
// with what it said; "error" is answered with an error, and "shout" told to the whole topic.

#include <csignal>
#include <iostream>

#include "client/handler.hpp"

namespace {

roost::Handler* running = nullptr;

roost::backend::Response decide(const roost::backend::Request& request) {
    roost::backend::Response response;
    if (request.kind != roost::backend::Kind::push) return response;
    response.payload = request.payload;
    response.is_binary = request.is_binary;
    if (request.event == "error") response.status = "error";
    if (request.event == "shout") {
        response.actions.push_back({roost::backend::Action::Kind::broadcast, "", "shouted",
                                    request.payload, request.is_binary});
    }
    return response;
}

}  // namespace

int main() {
    roost::Handler handler(roost::default_endpoint(), {{"echo:*"}}, decide);
    running = &handler;
    std::signal(SIGTERM, [](int) { running->stop(); });
    const auto failure = handler.run();
    if (failure) std::cerr << failure->text << '\n';
    return failure ? 1 : 0;
}
