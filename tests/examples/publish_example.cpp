// Publishes one message through the roostd of this machine, and prints its place in the stream.

#include <iostream>

#include "client/publisher.hpp"

int main() {
    roost::Publisher publisher(roost::default_endpoint());
    const auto published = publisher.publish("room:1", "new_msg", R"({"body":"hello"})");
    if (!published) {
        std::cerr << published.error().text << '\n';
        return 1;
    }
    std::cout << published->position << '\n';
    return 0;
}
