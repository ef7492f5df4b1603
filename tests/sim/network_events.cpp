// The part of Network that knows what is on its way.
#include <algorithm>

#include "tests/sim/network.hpp"

namespace roost::sim {

namespace {
constexpr std::uint64_t delay_us_max = 20'000;
}  // namespace

void Network::note(std::string_view bytes) {
    for (const char c : bytes) {
        history_ = (history_ ^ static_cast<unsigned char>(c)) * 1099511628211;
    }
}

void Network::schedule(Time time, Happening happening) {
    std::size_t slot = slots_.size();
    if (free_slots_.empty()) {
        slots_.push_back(std::move(happening));
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        slots_[slot] = std::move(happening);
    }
    due_.push_back({time, ++last_serial_, slot});
    std::push_heap(due_.begin(), due_.end());
}

void Network::at(std::size_t node, Time time, std::function<void()> what) {
    const auto life = node == nobody ? 0 : nodes_[node].life;
    schedule(time, Action{node, life, std::move(what)});
}

void Network::run_until(Time end, const std::function<void(std::size_t)>& after_each) {
    while (!due_.empty() && due_.front().time <= end) {
        const Due due = due_.front();
        std::pop_heap(due_.begin(), due_.end());
        due_.pop_back();
        Happening happening = std::move(slots_[due.slot]);
        free_slots_.push_back(due.slot);
        now_ = due.time;
        const auto concerned = happen(std::move(happening));
        if (concerned != nobody) after_each(concerned);
    }
    now_ = end;
}

std::size_t Network::happen(Happening happening) {
    if (auto* action = std::get_if<Action>(&happening)) return act(std::move(*action));
    return arrive(std::move(std::get<Parcel>(happening)));
}

std::size_t Network::act(Action action) {
    if (action.node == nobody) {
        action.what();
        return nobody;
    }
    Node& node = nodes_[action.node];
    if (node.life == 0 || node.life != action.life) return nobody;
    const auto id = action.node;
    if (node.is_paused) {
        node.waiting.emplace_back(std::move(action));
        return nobody;
    }
    action.what();
    return id;
}

Network::Connection& Network::connection_of(const Parcel& parcel) {
    switch (parcel.lane) {
        case Lane::subscriptions: return link(parcel.from, parcel.to).subscriber;
        case Lane::published: return link(parcel.to, parcel.from).subscriber;
        case Lane::calls: return link(parcel.from, parcel.to).caller;
        default: return link(parcel.to, parcel.from).caller;
    }
}

// In order on each lane, unless the connection breaks.
void Network::send(Parcel parcel) {
    if (on_send && parcel.bytes) on_send(parcel.lane, parcel.from, parcel.to, *parcel.bytes);
    Link& way = link(parcel.from, parcel.to);
    parcel.life = nodes_[parcel.to].life;
    Time arrival = now_ + Duration(1 + random(delay_us_max)) + way.delay;
    if (parcel.lane != Lane::beacons) {
        Time& last = way.last_arrival[static_cast<std::size_t>(parcel.lane)];
        last = arrival = std::max(last, arrival);
    }
    schedule(arrival, std::move(parcel));
}

std::size_t Network::arrive(Parcel parcel) {
    Link& way = link(parcel.from, parcel.to);
    if (parcel.lane == Lane::beacons) {
        if (is_cut(parcel.from, parcel.to) || way.is_held) return nobody;
    } else if (way.is_held || !way.held.empty()) {
        way.held.push_back(std::move(parcel));
        return nobody;
    }
    return reach_node(std::move(parcel));
}

std::size_t Network::reach_node(Parcel parcel) {
    Node& node = nodes_[parcel.to];
    if (node.life == 0 || node.life != parcel.life) return nobody;
    if (parcel.lane != Lane::beacons && !parcel.is_read) {
        const Connection& connection = connection_of(parcel);
        const bool is_last_word =
            parcel.connection == connection.last_words && !is_running(parcel.from);
        if (parcel.connection != connection.serial && !is_last_word) return nobody;
    }
    const auto id = parcel.to;
    if (node.is_paused) {
        node.waiting.emplace_back(std::move(parcel));
        return nobody;
    }
    free_place(parcel);
    hand_over(parcel);
    return id;
}

void Network::free_place(const Parcel& parcel) {
    if (parcel.lane != Lane::published) return;
    if (connection_of(parcel).serial != parcel.connection) return;
    const auto pipe = nodes_[parcel.from].pipes.find(parcel.to);
    if (pipe == nodes_[parcel.from].pipes.end()) return;
    --pipe->second.in_flight;
    // As libzmq does it: a full pipe takes nothing until it is half empty.
    if (pipe->second.in_flight <= config_.high_water / 2) pipe->second.is_full = false;
}

void Network::release_held(std::size_t from, std::size_t to) {
    Link& way = link(from, to);
    if (way.is_held) return;
    for (auto& parcel : std::exchange(way.held, {})) reach_node(std::move(parcel));
}

void Network::hand_over(Parcel& parcel) {
    Node& node = nodes_[parcel.to];
    if (parcel.bytes) note(*parcel.bytes);
    switch (parcel.lane) {
        case Lane::published: node.ends.on_published(*parcel.bytes); break;
        case Lane::calls:
            node.ends.on_call(std::to_string(parcel.from) + "/" + std::to_string(parcel.contact) +
                                  "/" + std::to_string(parcel.connection),
                              parcel.from, *parcel.bytes);
            break;
        case Lane::answers: node.ends.on_answer(parcel.contact, *parcel.bytes); break;
        case Lane::beacons: node.ends.on_beacon(parcel.from, *parcel.bytes); break;
        case Lane::subscriptions:
            for (const Change& change : *parcel.changes) {
                const auto pipe = node.pipes.find(parcel.from);
                if (pipe == node.pipes.end()) return;
                auto& keys = pipe->second.keys;
                const auto place = std::lower_bound(keys.begin(), keys.end(), change.key);
                const bool is_there = place != keys.end() && *place == change.key;
                if (is_there && !change.is_subscription) keys.erase(place);
                if (!is_there && change.is_subscription) keys.insert(place, change.key);
                note(keys_[change.key]);
                if (change.is_subscription) node.ends.on_subscription(keys_[change.key]);
            }
    }
}

Network::KeyId Network::id_of(std::string_view key) {
    const auto [it, is_new] =
        key_ids_.try_emplace(std::string(key), static_cast<KeyId>(keys_.size()));
    if (is_new) {
        keys_.emplace_back(key);
        key_lengths_.insert(key.size());
    }
    return it->second;
}

void Network::change(std::size_t id, std::string_view key, bool is_subscription) {
    Node& node = nodes_[id];
    const Change made{id_of(key), is_subscription};
    if (node.burst_time != now_) {
        node.burst_time = now_;
        node.burst = 0;
        node.batch.reset();
    }
    ++node.burst;
    if (node.batch && node.batch->size() < node.burst / 8) return node.batch->push_back(made);
    node.batch = std::make_shared<std::vector<Change>>(1, made);
    for (const std::size_t publisher : node.publishers) {
        if (!nodes_[publisher].pipes.contains(id)) continue;
        Parcel parcel{Lane::subscriptions, id, publisher, 0, 0, 0, false, {}, node.batch};
        parcel.connection = connection_of(parcel).serial;
        send(std::move(parcel));
    }
}

void Network::subscribe(std::size_t node, std::string_view key) {
    nodes_[node].subscriptions.emplace(key);
    change(node, key, true);
}

void Network::unsubscribe(std::size_t node, std::string_view key) {
    const auto found = nodes_[node].subscriptions.find(key);
    if (found == nodes_[node].subscriptions.end()) return;
    nodes_[node].subscriptions.erase(found);
    change(node, key, false);
}

void Network::publish(std::size_t node, std::string_view bytes) {
    std::vector<KeyId> wanted;
    for (const std::size_t length : key_lengths_) {
        if (length > bytes.size()) break;
        const auto found = key_ids_.find(std::string(bytes.substr(0, length)));
        if (found != key_ids_.end()) wanted.push_back(found->second);
    }
    std::shared_ptr<const std::string> shared;
    for (auto& [listener, pipe] : nodes_[node].pipes) {
        const bool is_wanted =
            std::any_of(wanted.begin(), wanted.end(), [&keys = pipe.keys](KeyId key) {
                return std::binary_search(keys.begin(), keys.end(), key);
            });
        if (!is_wanted) continue;
        if (pipe.is_full) {
            if (on_trouble) on_trouble(Trouble::dropped, node, listener);
            continue;
        }
        if (!shared) shared = std::make_shared<const std::string>(bytes);
        Parcel parcel{Lane::published, node, listener, 0, 0, 0, false, shared, {}};
        parcel.connection = connection_of(parcel).serial;
        send(std::move(parcel));
        if (++pipe.in_flight >= config_.high_water) pipe.is_full = true;
    }
}

bool Network::call(std::size_t node, unsigned contact, std::size_t target, std::string_view bytes) {
    if (node == target || !is_caller_up(node, target)) return false;
    Parcel parcel{Lane::calls,
                  node,
                  target,
                  0,
                  link(node, target).caller.serial,
                  contact,
                  false,
                  std::make_shared<const std::string>(bytes),
                  {}};
    send(std::move(parcel));
    return true;
}

void Network::answer(std::size_t node, const std::string& route, std::string_view bytes) {
    const auto first = route.find('/'), second = route.rfind('/');
    const std::size_t target = std::stoul(route.substr(0, first));
    const auto contact = static_cast<unsigned>(std::stoul(route.substr(first + 1)));
    const auto connection = std::stoull(route.substr(second + 1));
    // The ROUTER knows a caller by its connection: one that has come back is another.
    if (link(target, node).caller.serial != connection) return;
    Parcel parcel{Lane::answers,
                  node,
                  target,
                  0,
                  connection,
                  contact,
                  false,
                  std::make_shared<const std::string>(bytes),
                  {}};
    send(std::move(parcel));
}

void Network::beacon(std::size_t node, std::string_view bytes) {
    const auto shared = std::make_shared<const std::string>(bytes);
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (other == node || !is_running(other) || random(5) == 0) continue;  // datagrams get lost
        send({Lane::beacons, node, other, 0, 0, 0, false, shared, {}});
    }
}

}  // namespace roost::sim
