#include "daemon/core/admission.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace roost;
using Who = std::optional<Address>;

namespace {

const Who somebody_behind_a_proxy = std::nullopt;

Who from(std::string_view text) {
    const auto address = parse_address(text);
    REQUIRE(address);
    return address;
}

void let_in(Admission& admission, const Who& who) {
    REQUIRE_FALSE(admission.arrive(who));
    REQUIRE_FALSE(admission.settle(who, who));
}

}  // namespace

TEST_CASE("beyond the number of WebSockets one is refused, until another has gone") {
    Admission admission({2, 10, 0});
    let_in(admission, from("192.0.2.1"));
    let_in(admission, from("192.0.2.1"));
    REQUIRE_FALSE(admission.arrive(from("192.0.2.2")));
    CHECK(admission.settle(from("192.0.2.2"), from("192.0.2.2")) == Refusal::node_full);
    admission.leave_settled(from("192.0.2.1"));
    CHECK_FALSE(admission.settle(from("192.0.2.2"), from("192.0.2.2")));
    CHECK(admission.settled() == 2);
    CHECK(admission.arrived() == 0);
}

TEST_CASE("a full node lets in so many more as are spare, to be told so") {
    Admission admission({1, 2, 0});
    let_in(admission, from("192.0.2.1"));
    CHECK_FALSE(admission.arrive(from("192.0.2.1")));
    CHECK_FALSE(admission.arrive(somebody_behind_a_proxy));
    CHECK(admission.arrive(from("192.0.2.1")) == Refusal::arrivals);
    admission.leave_arrived(somebody_behind_a_proxy);
    CHECK_FALSE(admission.arrive(from("192.0.2.1")));
}

TEST_CASE("one address has so many WebSockets, and so many that may become one") {
    Admission admission({100, 10, 2});
    let_in(admission, from("192.0.2.1"));
    let_in(admission, from("192.0.2.1"));
    REQUIRE_FALSE(admission.arrive(from("192.0.2.1")));
    CHECK(admission.settle(from("192.0.2.1"), from("192.0.2.1")) == Refusal::address_full);
    REQUIRE_FALSE(admission.arrive(from("192.0.2.1")));
    CHECK(admission.arrive(from("192.0.2.1")) == Refusal::arrivals);
    let_in(admission, from("192.0.2.2"));
    admission.leave_settled(from("192.0.2.1"));
    CHECK_FALSE(admission.settle(from("192.0.2.1"), from("192.0.2.1")));
}

TEST_CASE("behind a proxy it is the forwarded address that counts") {
    Admission admission({100, 10, 1});
    for (const auto* client : {"198.51.100.1", "198.51.100.2"}) {
        REQUIRE_FALSE(admission.arrive(somebody_behind_a_proxy));
        REQUIRE_FALSE(admission.settle(somebody_behind_a_proxy, from(client)));
    }
    REQUIRE_FALSE(admission.arrive(somebody_behind_a_proxy));
    CHECK(admission.settle(somebody_behind_a_proxy, from("198.51.100.1")) == Refusal::address_full);
    // The proxy's own, and a unix socket without a forwarded address, have no limit of an address.
    CHECK_FALSE(admission.settle(somebody_behind_a_proxy, somebody_behind_a_proxy));
}

TEST_CASE("an IPv6 network of a user is one address") {
    Admission admission({100, 10, 1});
    let_in(admission, from("2001:db8:0:1::1"));
    REQUIRE_FALSE(admission.arrive(from("2001:db8:0:1:ffff::2")));
    CHECK(admission.settle(from("2001:db8:0:1:ffff::2"), from("2001:db8:0:1:ffff::2")) ==
          Refusal::address_full);
    let_in(admission, from("2001:db8:0:2::1"));
}

TEST_CASE("nothing is kept of those who have gone") {
    Admission admission({40, 20, 3});
    std::mt19937 random(11);
    struct Guest {
        Who peer, client;
        bool is_settled;
    };
    std::vector<Guest> guests;
    for (int step = 0; step < 20'000; ++step) {
        const auto roll = random() % 3;
        const Who client = from("192.0.2." + std::to_string(random() % 20));
        if (roll == 0) {
            const Who peer = random() % 2 == 0 ? client : somebody_behind_a_proxy;
            if (!admission.arrive(peer)) guests.push_back({peer, client, false});
        } else if (!guests.empty()) {
            const auto index = random() % guests.size();
            Guest& guest = guests[index];
            if (roll == 1 && !guest.is_settled) {
                guest.is_settled = !admission.settle(guest.peer, guest.client);
            } else if (roll == 2) {
                if (guest.is_settled) admission.leave_settled(guest.client);
                if (!guest.is_settled) admission.leave_arrived(guest.peer);
                guests.erase(guests.begin() + static_cast<std::ptrdiff_t>(index));
            }
        }
        REQUIRE(admission.arrived() + admission.settled() == guests.size());
        REQUIRE(admission.settled() <= 40);
    }
    for (const Guest& guest : guests) {
        if (guest.is_settled) admission.leave_settled(guest.client);
        if (!guest.is_settled) admission.leave_arrived(guest.peer);
    }
    CHECK(admission.arrived() == 0);
    CHECK(admission.settled() == 0);
    CHECK(admission.addresses() == 0);
}

TEST_CASE("connections leave descriptors for everything else") {
    CHECK(connections_for(1024, 64) == 1024 - 128 - 64);
    CHECK(connections_for(65536, 64) == 65536 - 8192 - 64);
    CHECK(connections_for(193, 64) == 1);
    CHECK(connections_for(192, 64) == 1);
    CHECK(connections_for(0, 64) == 1);
}

TEST_CASE("descriptors for connections leave room for them, and for a large group") {
    CHECK(descriptors_for(100, 64) == 100 + 64 + 4096);
    CHECK(descriptors_for(70'000, 64) == 70'064 + 10'009 + 1);
    for (const std::size_t connections :
         std::vector<std::size_t>{1, 100, 10'000, 28'000, 28'608, 28'609, 30'000, 1'000'000}) {
        CHECK(connections_for(descriptors_for(connections, 64), 64) >= connections);
    }
}
