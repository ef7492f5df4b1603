// door_options: what the operator asks for at the door: where clients connect, and who is let in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/edge/certificate.hpp"
#include "daemon/edge/door.hpp"
#include "daemon/edge/listener.hpp"

namespace CLI {
class App;
}

namespace roost {

struct DoorOptions {
    std::vector<ListenAddress> listen{Endpoint{"127.0.0.1", 4000}};
    std::vector<OriginPattern> origins;
    std::vector<AddressBlock> proxies;
    bool trusts_unix = false;
    AdmissionLimits limits;  // connections_max 0: what the descriptors allow
    Duration handshake_timeout = std::chrono::seconds(10);
    std::size_t header_bytes_max = 8192;
    bool has_echo = false;
    bool asks_backend = false;
    std::vector<std::string> forwarded_headers;
    std::string certificate_file, key_file;
    std::shared_ptr<const Certificate> certificate;

    DoorRules rules() const;
    std::string listen_text() const;
};

// What the process may have open now.
std::size_t descriptors_max();

// What CLI11 fills in, before it has its types.
struct DoorTexts {
    std::vector<std::string> listen{"127.0.0.1:4000"};
    std::vector<std::string> origins, proxies;
    int handshake_timeout_s = 10;
};

void add_door_options(CLI::App& app, DoorOptions& options, DoorTexts& texts);
// After the parse. Throws StartError.
void finish_door_options(DoorOptions& options, const DoorTexts& texts);

}  // namespace roost
