#include "proto/beacon.hpp"

#include "proto/big_endian.hpp"
#include "proto/limits.hpp"

namespace roost {

namespace {
constexpr std::string_view magic = "RSTB";
constexpr char version = 1;
constexpr std::size_t group_at = 17;

std::optional<std::string_view> read_short(std::string_view& rest) {
    if (rest.empty()) return std::nullopt;
    const auto size = static_cast<unsigned char>(rest[0]);
    if (rest.size() - 1 < size) return std::nullopt;
    const auto text = rest.substr(1, size);
    rest.remove_prefix(std::size_t{1} + size);
    return text;
}
}  // namespace

std::string encode(const Beacon& beacon) {
    std::string out(magic);
    out.push_back(version);
    out.push_back(beacon.goodbye ? 1 : 0);
    append_big_endian(out, beacon.incarnation);
    append_big_endian(out, beacon.router.port);
    out.push_back(static_cast<char>(beacon.group.size()));
    out.append(beacon.group);
    out.push_back(static_cast<char>(beacon.router.host.size()));
    out.append(beacon.router.host);
    return out;
}

std::optional<Beacon> decode_beacon(std::string_view datagram) {
    if (datagram.size() < group_at - 1 || !datagram.starts_with(magic)) return std::nullopt;
    if (datagram[4] != version) return std::nullopt;
    Beacon beacon;
    beacon.goodbye = (datagram[beacon_flags_at] & 1) != 0;
    beacon.incarnation = read_big_endian<std::uint64_t>(&datagram[6]);
    beacon.router.port = read_big_endian<std::uint16_t>(&datagram[14]);
    auto rest = datagram.substr(group_at - 1);
    const auto group = read_short(rest);
    if (!group || group->empty() || group->size() > limits::name_bytes_max) return std::nullopt;
    const auto host = read_short(rest);
    if (!host || host->find_first_of(" ;/\t\n") != std::string_view::npos) return std::nullopt;
    if (!rest.empty() || beacon.router.port == 0) return std::nullopt;
    beacon.group = *group;
    beacon.router.host = *host;
    return beacon;
}

}  // namespace roost
