// http_page: what an HTTP request is answered with.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct lws;

namespace roost {

struct HttpPage {
    unsigned status = 200;
    std::string type, body;
    bool is_last = false;       // the connection ends with it
    bool is_head_only = false;  // HEAD: nothing of the body but its length
    // Further headers: names in small letters, with the colon.
    std::vector<std::pair<std::string_view, std::string>> headers{};
};

// When the connection can be written to. False if it is to be ended.
bool write_page(lws* wsi, const HttpPage& page);

// An answer to a request of which libwebsockets has read no more than the head (it has not looked
// at the version yet, and would answer in 1.0), or that it takes for answered. The connection is to
// be ended behind it.
void write_by_hand(lws* wsi, const HttpPage& page);
void write_refusal(lws* wsi, unsigned status, std::string_view sentence);

}  // namespace roost
