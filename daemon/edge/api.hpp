// api: the HTTP side of the API, in one shard.
//
// Reads requests, asks the desk, which lives in another loop maybe, and shows its answers. Each
// request is the first and the last of its connection, as a poll is (decision 0010). One loop, one
// thread. Spec: proto/api.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/edge/http_page.hpp"
#include "proto/api.hpp"
#include "proto/control.hpp"

struct lws;

namespace roost {

using ApiKeys = std::vector<std::string>;

// To the desk; answered by Api::on_answer() with the request's id.
using AskDesk = std::function<void(control::Request)>;
using ShowPage = std::function<void(lws* wsi, HttpPage page)>;

class Api {
public:
    // Without keys nobody is let in.
    Api(std::shared_ptr<const ApiKeys> keys, AskDesk ask, ShowPage show)
        : keys_(std::move(keys)), ask_(std::move(ask)), show_(std::move(show)) {}

    static bool is_path(std::string_view path) { return path.starts_with("/api/"); }

    // A request whose head has been read, pieces of its body, and the end of it.
    void on_request(lws* wsi, std::string_view path);
    void on_body(lws* wsi, std::string_view piece);
    void on_body_end(lws* wsi);
    void on_gone(lws* wsi);
    // Has the whole request been read, and its answer not been shown?
    bool is_waiting(lws* wsi) const;

    void on_answer(const control::Answer& answer);

private:
    struct Call {
        std::string method, path, type;
        std::string topic, event;  // of the query
        bool is_final = false;
        std::string body;
        std::size_t body_bytes = 0;
        std::optional<api::Page> verdict;  // known before it has been read
        std::uint64_t id = 0;              // once the desk has been asked
        std::string about;                 // the topic that is asked about
    };

    std::optional<api::Page> why_not(lws* wsi, const Call& call) const;
    // Or what it is answered at once.
    Result<control::Request, api::Page> request_of(Call& call);
    void finish(lws* wsi, const api::Page& page);

    std::shared_ptr<const ApiKeys> keys_;
    AskDesk ask_;
    ShowPage show_;
    JsonReader json_;
    std::unordered_map<lws*, Call> calls_;
    std::unordered_map<std::uint64_t, lws*> asked_;
    std::uint64_t last_id_ = 0;
    std::size_t bodies_bytes_ = 0;
};

}  // namespace roost
