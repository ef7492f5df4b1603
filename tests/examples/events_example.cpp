// What a program does to know who is here, and to go on after its own end: it prints each event,
// and keeps its cursor in a file.
//
//     events_example CURSOR_FILE
#include <fstream>
#include <iostream>

#include "client/events.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::string cursor;
    std::ifstream(argv[1]) >> cursor;

    roost::Connection daemon(roost::default_endpoint());
    roost::Events events(daemon, cursor);
    for (;;) {
        const auto batch = events.next(std::chrono::seconds(10));
        if (!batch) {
            std::cerr << batch.error().text << '\n';
            return 1;
        }
        if (batch->is_gap) std::cout << "something is missing here\n";
        for (const auto& event : batch->events) {
            std::cout << event.kind << ' ' << event.session << ' ' << event.topic << '\n';
        }
        std::cout.flush();
        std::ofstream(argv[1]) << events.cursor();
    }
}
