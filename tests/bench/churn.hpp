// churn: clients that come and go, for what that costs beside many that stay.
#pragma once

#include "client/bench/load.hpp"

namespace roost::bench {

// Clients that join topics nobody else has, and leave them again; a time is a join and its leave.
struct TopicChurnPlan {
    std::size_t clients = 50;
    std::size_t times = 2000;
};
Outcome churn_topics(const Where& where, const TopicChurnPlan& plan, Watcher& watcher);

// Clients that connect, join and are cut; so many on their way at a time.
struct ConnectionChurnPlan {
    std::size_t at_once = 50;
    std::size_t times = 5000;
};
Outcome churn_connections(const Where& where, const ConnectionChurnPlan& plan, Watcher& watcher);

}  // namespace roost::bench
