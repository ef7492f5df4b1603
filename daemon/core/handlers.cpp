#include "daemon/core/handlers.hpp"

#include <algorithm>

#include "daemon/core/invariant.hpp"
#include "proto/topic_pattern.hpp"

namespace roost {

namespace {

using backend::Kind;
using backend::Outcome;

constexpr std::array all_kinds = {Kind::connect, Kind::join, Kind::push};

// Exact ones before prefixes, longer ones before shorter ones, none before nothing.
std::size_t specificity(std::string_view pattern) {
    if (pattern.empty()) return 0;
    return pattern.ends_with('*') ? 2 * pattern.size() : 2 * pattern.size() + 3;
}

std::vector<BackendLane> lanes_of(const control::Handle& handle) {
    std::vector<BackendLane> lanes;
    for (const Kind kind : handle.kinds) {
        if (kind == Kind::connect) {
            lanes.emplace_back(kind, "");
            continue;
        }
        for (const auto& pattern : handle.patterns) lanes.emplace_back(kind, pattern);
    }
    return lanes;
}

// No worker's connection has such a name: ZeroMQ gives out shorter ones, and lets nobody choose one
// that begins with a zero.
std::string route_of(Incarnation peer) {
    return std::string("\0peer ", 6) + incarnation_text(peer);
}

}  // namespace

// The lanes without a pattern take what nobody asks for, as long as a backend may still come back
// after this node has started.
Handlers::Handlers(HandlersConfig config, HandlersOutlet& outlet, Time now)
    : config_(config), outlet_(outlet), last_number_(config.numbers_from), last_tick_(now) {
    for (const Kind kind : all_kinds) lanes_[{kind, ""}].empty_since = now;
}

std::size_t Handlers::bytes_of(const backend::Request& request) {
    constexpr std::size_t row = 200;
    std::size_t bytes = row + request.payload.size() + request.data.size() + request.topic.size();
    for (const auto& [name, value] : request.headers) bytes += name.size() + value.size();
    return bytes;
}

std::map<Handlers::LaneId, Handlers::Lane>::iterator Handlers::lane_for(Kind kind,
                                                                        std::string_view topic) {
    auto best = lanes_.end();
    for (auto lane = lanes_.lower_bound({kind, ""});
         lane != lanes_.end() && lane->first.first == kind; ++lane) {
        const std::string& pattern = lane->first.second;
        if (!pattern.empty() && !matches_pattern(pattern, topic)) continue;
        if (best == lanes_.end() || specificity(pattern) > specificity(best->first.second)) {
            best = lane;
        }
    }
    return best;
}

std::string Handlers::why_not_handle(const std::string& route, std::uint64_t id,
                                     const control::Handle& handle) const {
    constexpr std::size_t of_a_route = 16;
    const auto known = workers_.find({route, id});
    if (known == workers_.end()) {
        std::size_t count = 0;
        for (auto worker = workers_.lower_bound({route, 0});
             worker != workers_.end() && worker->first.first == route; ++worker) {
            ++count;
        }
        if (count >= of_a_route) return "one connection has at most 16 handlers";
    } else if (known->second.lanes.size() == handle.patterns.size() * handle.kinds.size()) {
        return {};  // it most likely says the same again
    }
    if (offered().size() + handle.patterns.size() * handle.kinds.size() <= group::lanes_max)
        return {};
    return "all workers of a node have at most 4096 patterns, each counted once for each kind";
}

void Handlers::on_handle(const std::string& route, std::uint64_t id, const control::Handle& handle,
                         Time now) {
    const WorkerId worker_id{route, id};
    Worker& worker = workers_[worker_id];
    worker.credit = handle.credit;
    worker.heard = now;
    enter_lanes(worker_id, worker, lanes_of(handle), now);
    if (!outlet_.to_worker(route, control::encode(control::Answer{id, control::Handling{}}))) {
        return lose_worker(worker_id, "unreachable", now);
    }
    feed(worker_id, now);
}

void Handlers::enter_lanes(const WorkerId& id, Worker& worker, std::vector<LaneId> wanted,
                           Time now) {
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    if (wanted == worker.lanes) return;
    leave_lanes(id, worker, now);
    std::set<Kind> changed;
    for (const LaneId& lane : wanted) {
        if (lanes_.try_emplace(lane).second) changed.insert(lane.first);
        lanes_[lane].workers.insert(id);
    }
    worker.lanes = std::move(wanted);
    for (const Kind kind : changed) sort_anew(kind);
}

void Handlers::leave_lanes(const WorkerId& id, Worker& worker, Time now) {
    for (const LaneId& place : std::exchange(worker.lanes, {})) {
        Lane& lane = lanes_[place];
        lane.workers.erase(id);
        if (lane.workers.empty()) lane.empty_since = now;
    }
}

// What waits for a less specific pattern than there is now.
void Handlers::sort_anew(Kind kind) {
    std::vector<std::pair<Number, std::map<LaneId, Lane>::iterator>> moves;
    for (auto lane = lanes_.lower_bound({kind, ""});
         lane != lanes_.end() && lane->first.first == kind; ++lane) {
        for (const Number number : lane->second.waiting) {
            const auto better = lane_for(kind, works_.at(number).request.topic);
            if (better != lane) moves.emplace_back(number, better);
        }
    }
    for (const auto& [number, lane] : moves) {
        Work& work = works_.at(number);
        stop_waiting(number, work);
        wait_in(lane, number, work);
    }
}

void Handlers::wait_in(std::map<LaneId, Lane>::iterator lane, Number number, Work& work) {
    work.lane = lane->first;
    lane->second.waiting.insert(number);
    lane->second.waiting_bytes += bytes_of(work.request);
    ++waiting_;
}

void Handlers::stop_waiting(Number number, const Work& work) {
    Lane& lane = lanes_[work.lane];
    INVARIANT(lane.waiting.erase(number) == 1);
    lane.waiting_bytes -= bytes_of(work.request);
    --waiting_;
}

bool Handlers::is_full(const Lane& lane, const backend::Request& request) const {
    return lane.waiting.size() >= config_.waiting_max ||
           lane.waiting_bytes + bytes_of(request) > config_.waiting_bytes_max;
}

void Handlers::on_unhandle(const std::string& route, const control::Unhandle& unhandle, Time now) {
    const auto found = workers_.find({route, unhandle.handler});
    if (found == workers_.end()) return;
    leave_lanes(found->first, found->second, now);
    // What it has it still answers.
    if (found->second.outstanding.empty()) workers_.erase(found);
}

void Handlers::on_heard(const std::string& route, Time now) {
    for (auto worker = workers_.lower_bound({route, 0});
         worker != workers_.end() && worker->first.first == route; ++worker) {
        worker->second.heard = now;
    }
}

void Handlers::on_request(const BackendAsker& asker, backend::Request request, Time now) {
    const auto lane = lane_for(request.kind, request.topic);
    const bool is_hopeless =
        lane == lanes_.end() || (!asker.route.empty() && !has_own_worker(lane->second)) ||
        (lane->second.workers.empty() && now - lane->second.empty_since >= config_.deadline);
    if (is_hopeless || is_full(lane->second, request)) {
        auto& ended = counters_.ended[static_cast<std::size_t>(request.kind)];
        ++ended[static_cast<std::size_t>(Outcome::Kind::unavailable)];
        return outlet_.backend_answered(asker, {Outcome::Kind::unavailable, {}});
    }
    const Number number = ++last_number_;
    Work& work = works_[number];
    work.asker = asker;
    work.request = std::move(request);
    work.deadline = now + config_.deadline;
    if (!asker.route.empty()) {
        constexpr std::uint64_t hour = 3'600'000;
        const std::chrono::milliseconds left(std::min(work.request.deadline_ms, hour));
        work.deadline = std::min(work.deadline, now + left);
    }
    by_asker_[asker] = number;
    deadlines_.emplace(work.deadline, number);
    wait_in(lane, number, work);
    place(number, now);
}

// A worker with credit has nothing waiting for it, so who comes now does not overtake anybody.
void Handlers::place(Number number, Time now) {
    const Work& work = works_.at(number);
    const bool is_for_peer = !work.asker.route.empty();
    while (const WorkerId* worker = least_busy(lanes_[work.lane], is_for_peer)) {
        if (hand_over(number, WorkerId(*worker), now)) return;
    }
}

bool Handlers::has_own_worker(const Lane& lane) const {
    return std::any_of(lane.workers.begin(), lane.workers.end(),
                       [this](const WorkerId& id) { return !workers_.at(id).peer; });
}

const Handlers::WorkerId* Handlers::least_busy(const Lane& lane, bool is_for_peer) const {
    const bool is_own = is_for_peer || has_own_worker(lane);
    const WorkerId* best = nullptr;
    std::pair<std::size_t, std::uint64_t> least;
    for (const WorkerId& id : lane.workers) {
        const Worker& worker = workers_.at(id);
        if (worker.outstanding.size() >= worker.credit || (is_own && worker.peer)) continue;
        // Of those that have as little to do, the one that has waited longest.
        const std::pair load(worker.outstanding.size(), worker.last_used);
        if (best && load >= least) continue;
        best = &id;
        least = load;
    }
    return best;
}

bool Handlers::hand_over(Number number, const WorkerId& id, Time now) {
    Work& work = works_.at(number);
    const auto left = std::max(work.deadline - now, Duration{});
    work.request.deadline_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
    if (!send(id, number, work)) {
        ++counters_.handed_again;
        lose_worker(id, "unreachable", now);
        return false;
    }
    stop_waiting(number, work);
    Worker& worker = workers_.at(id);
    if (!worker.peer) {  // the rest is of no more use here
        backend::Request rest;
        rest.kind = work.request.kind;
        work.request = std::move(rest);
    }
    work.worker = id;
    worker.outstanding.insert(number);
    worker.last_used = ++uses_;
    return true;
}

bool Handlers::send(const WorkerId& id, Number number, Work& work) {
    control::Answer answer{id.second, control::Asked{number, std::move(work.request)}};
    auto& asked = std::get<control::Asked>(answer.body);
    const auto peer = workers_.at(id).peer;
    const bool is_sent =
        peer ? outlet_.to_peer(*peer, asked) : outlet_.to_worker(id.first, control::encode(answer));
    work.request = std::move(asked.about);
    return is_sent;
}

// Nodes are given neither what has come from one, nor what a worker of this node waits for.
std::optional<Handlers::Number> Handlers::oldest_for(const Worker& worker) const {
    std::optional<Number> oldest;
    for (const LaneId& id : worker.lanes) {
        const Lane& lane = lanes_.at(id);
        if (worker.peer && has_own_worker(lane)) continue;
        const auto first = std::find_if(
            lane.waiting.begin(), lane.waiting.end(),
            [&](Number number) { return !worker.peer || works_.at(number).asker.route.empty(); });
        if (first != lane.waiting.end() && (!oldest || *first < *oldest)) oldest = *first;
    }
    return oldest;
}

// The worker has credit again, or is new: the oldest of what waits for it.
void Handlers::feed(const WorkerId& id, Time now) {
    while (true) {
        const auto found = workers_.find(id);
        if (found == workers_.end() || found->second.outstanding.size() >= found->second.credit) {
            return;
        }
        const auto oldest = oldest_for(found->second);
        if (!oldest || !hand_over(*oldest, id, now)) return;
    }
}

std::string Handlers::on_respond(const std::string& route, control::Respond respond, Time now) {
    const auto found = works_.find(respond.request);
    if (found == works_.end() || found->second.worker.first != route) {
        return "request " + std::to_string(respond.request) +
               " is none of this worker's, or was given up";
    }
    backend::Response& response = respond.response;
    std::string no = respond.objection.empty() ? objection_to(response, json_) : respond.objection;
    std::size_t bytes = response.payload.size();
    for (const auto& action : response.actions) bytes += action.payload.size();
    if (no.empty() && bytes > config_.payload_bytes_max) {
        no = "the payloads have " + std::to_string(bytes) + " bytes; the node takes " +
             std::to_string(config_.payload_bytes_max);
    }
    const auto kind = no.empty() ? Outcome::Kind::answered : Outcome::Kind::failed;
    if (!no.empty()) response = {};
    finish(respond.request, {kind, std::move(response)}, now);
    return no;
}

void Handlers::finish(Number number, Outcome outcome, Time now) {
    const WorkerId worker = works_.at(number).worker;
    end(number, std::move(outcome));
    free_credit(worker, number);
    feed(worker, now);
}

void Handlers::on_offer(Incarnation peer, const std::vector<BackendLane>& lanes, Time now) {
    const WorkerId id{route_of(peer), 0};
    if (!config_.is_of_group || (lanes.empty() && !workers_.contains(id))) return;
    Worker& worker = workers_[id];
    worker.peer = peer;
    worker.credit = config_.peer_credit;
    enter_lanes(id, worker, lanes, now);
    if (lanes.empty() && worker.outstanding.empty()) {
        workers_.erase(id);
    } else {
        feed(id, now);
    }
}

void Handlers::on_peer_gone(Incarnation peer, Time now) {
    lose_worker({route_of(peer), 0}, "its node is gone", now);
}

void Handlers::on_peer_decided(Incarnation peer, std::uint64_t number, Outcome outcome, Time now) {
    const WorkerId id{route_of(peer), 0};
    const auto found = works_.find(number);
    if (found == works_.end() || found->second.worker != id) return;
    if (outcome.kind == Outcome::Kind::answered && !objection_to(outcome.response, json_).empty()) {
        outcome = {Outcome::Kind::failed, {}};
    }
    Work& work = found->second;
    if (outcome.kind != Outcome::Kind::unavailable || work.is_over) {
        return finish(number, std::move(outcome), now);
    }
    // No worker has seen it. What the node offered is not so any more: it is asked again when it
    // offers it anew.
    Worker& worker = workers_.at(id);
    worker.outstanding.erase(number);
    auto lanes = worker.lanes;
    std::erase(lanes, work.lane);
    enter_lanes(id, worker, std::move(lanes), now);
    work.worker = {};
    ++counters_.handed_again;
    const auto lane = lane_for(work.request.kind, work.request.topic);
    if (lane == lanes_.end() || is_full(lane->second, work.request)) {
        end(number, std::move(outcome));
        return drop(number);
    }
    wait_in(lane, number, work);
    place(number, now);
}

std::vector<BackendLane> Handlers::offered() const {
    std::vector<BackendLane> lanes;
    if (!config_.is_of_group) return lanes;
    for (const auto& [id, lane] : lanes_) {
        if (has_own_worker(lane)) lanes.push_back(id);
    }
    return lanes;
}

void Handlers::free_credit(const WorkerId& id, Number number) {
    drop(number);
    const auto worker = workers_.find(id);
    if (worker == workers_.end()) return;
    worker->second.outstanding.erase(number);
    if (worker->second.outstanding.empty() && worker->second.lanes.empty()) workers_.erase(worker);
}

// Tells who has asked; once.
void Handlers::end(Number number, Outcome outcome) {
    Work& work = works_.at(number);
    if (std::exchange(work.is_over, true)) return;
    deadlines_.erase({work.deadline, number});
    by_asker_.erase(work.asker);
    auto& ended = counters_.ended[static_cast<std::size_t>(work.request.kind)];
    ++ended[static_cast<std::size_t>(outcome.kind)];
    outlet_.backend_answered(work.asker, std::move(outcome));
}

void Handlers::drop(Number number) {
    const auto work = works_.find(number);
    deadlines_.erase({work->second.deadline, number});
    works_.erase(work);
}

void Handlers::lose_worker(const WorkerId& id, std::string_view why, Time now) {
    auto row = workers_.extract(id);  // what the caller has of it lives on
    if (row.empty()) return;
    Worker& worker = row.mapped();
    leave_lanes(row.key(), worker, now);
    const auto outstanding = std::move(worker.outstanding);
    ++counters_.workers_lost;
    outlet_.note({FactKind::worker_lost, std::string(why), {}, outstanding.size()});
    for (const Number number : outstanding) {
        end(number, {Outcome::Kind::failed, {}});
        drop(number);
    }
}

void Handlers::on_cancel(const BackendAsker& asker) {
    const auto found = by_asker_.find(asker);
    if (found == by_asker_.end()) return;
    const auto work = works_.find(found->second);
    if (work->second.is_handed()) return;
    stop_waiting(work->first, work->second);
    end(work->first, {Outcome::Kind::cancelled, {}});
    works_.erase(work);
}

void Handlers::tick(Time now) {
    // This node has stood still: what its workers said meanwhile is still to be read.
    constexpr Duration stood_still = std::chrono::seconds(2);
    const Duration pause = now - std::exchange(last_tick_, now);
    if (pause > stood_still) {
        for (auto& [id, worker] : workers_) worker.heard += pause;
    }
    if (now >= next_beat_) {
        next_beat_ = now + config_.beat_interval;
        beat(now);
    }
    expire(now);
    feed_all(now);
    std::erase_if(lanes_, [&](const auto& entry) {
        const Lane& lane = entry.second;
        return lane.workers.empty() && lane.waiting.empty() &&
               now - lane.empty_since >= config_.deadline;
    });
}

// A worker that was killed is seen by what cannot be sent to it, one that stands still by its
// silence.
void Handlers::beat(Time now) {
    std::vector<std::pair<WorkerId, std::string_view>> lost;
    for (const auto& [id, worker] : workers_) {
        if (worker.peer) continue;
        if (now - worker.heard >= config_.silence_max) {
            lost.emplace_back(id, "silent");
        } else if (!outlet_.to_worker(id.first, control::encode(control::Answer{
                                                    id.second, control::Handling{}}))) {
            lost.emplace_back(id, "unreachable");
        }
    }
    for (const auto& [id, why] : lost) lose_worker(id, why, now);
}

// What waited for a worker of this node, of which none is left, is for the others.
void Handlers::feed_all(Time now) {
    if (waiting_ == 0) return;
    std::vector<WorkerId> peers;
    for (const auto& [id, worker] : workers_) {
        if (worker.peer) peers.push_back(id);
    }
    for (const WorkerId& id : peers) feed(id, now);
}

void Handlers::expire(Time now) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const Number number = deadlines_.begin()->second;
        Work& work = works_.at(number);
        if (work.is_over) {  // it has held its credit long enough
            const WorkerId worker = work.worker;
            free_credit(worker, number);
            feed(worker, now);
            continue;
        }
        if (work.is_handed()) {
            end(number, {Outcome::Kind::late, {}});
            work.deadline = now + config_.late_max;
            deadlines_.emplace(work.deadline, number);
            continue;
        }
        stop_waiting(number, work);
        end(number, {Outcome::Kind::unavailable, {}});
        drop(number);
    }
}

}  // namespace roost
