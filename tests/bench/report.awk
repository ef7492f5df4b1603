# Lines "ROW SERVER FIGURE VALUE", as the loads print them, to tables of medians; and what others need
# as multiples of what Roost needs.
function median(key,    n, i, j, v, sorted) {
    n = count[key]
    for (i = 1; i <= n; ++i) {
        v = value[key, i]
        for (j = i - 1; j >= 1 && sorted[j] > v; --j) sorted[j + 1] = sorted[j]
        sorted[j + 1] = v
    }
    if (n == 0) return ""
    return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}
function of(row, server, figure) { return median(row SUBSEP server SUBSEP figure) }
# The largest of all repetitions: what must be 0 must be it in each.
function most(row, server, figure,    key, i, found) {
    key = row SUBSEP server SUBSEP figure
    for (i = 1; i <= count[key]; ++i) if (value[key, i] > found) found = value[key, i]
    return found + 0
}
function shown(number, form) { return number == "" ? "-" : sprintf(form, number) }
function milliseconds(us) { return us == "" ? "-" : sprintf("%.2f", us / 1000) }
function note(row, server) {
    return of(row, server, "load_busy_percent") > 90 &&
        of(row, server, "server_busy_percent") < 90 ? "generator" : ""
}
function ratio(row, server, figure,    own, other) {
    own = of(row, "roost", figure)
    other = of(row, server, figure)
    return own > 0 && other != "" && server != "roost" ? sprintf("%.2f", other / own) : "-"
}
function traffic(row,    i, s) {
    if (!(row in rows)) return
    printf "\n%s\n%-10s %12s %12s %8s %9s %9s %9s %6s %6s  %s\n", title[row], "", "us CPU each",
        "deliveries/s", "x Roost", "p50 ms", "p99 ms", "max ms", "lost", "order", "busy: server, load"
    for (i = 1; i <= servers; ++i) {
        s = name[i]
        if (of(row, s, "deliveries") == "") continue
        printf "%-10s %12s %12s %8s %9s %9s %9s %6d %6d  %s%%, %s%% %s\n", s,
            shown(of(row, s, "server_cpu_us_per_delivery"), "%.3f"),
            shown(of(row, s, "deliveries_per_second"), "%.0f"),
            ratio(row, s, "server_cpu_us_per_delivery"),
            milliseconds(of(row, s, "latency_p50_us")), milliseconds(of(row, s, "latency_p99_us")),
            milliseconds(of(row, s, "latency_max_us")), most(row, s, "lost"),
            most(row, s, "out_of_order"), shown(of(row, s, "server_busy_percent"), "%.0f"),
            shown(of(row, s, "load_busy_percent"), "%.0f"), note(row, s)
    }
}
function idle(    i, s) {
    if (!("idle" in rows)) return
    printf "\n%s\n%-10s %12s %8s %12s %12s %8s\n", title["idle"], "", "KB each", "x Roost",
        "joins/s", "us CPU/join", "x Roost"
    for (i = 1; i <= servers; ++i) {
        s = name[i]
        if (of("idle", s, "clients") == "") continue
        printf "%-10s %12.2f %8s %12.0f %12.1f %8s\n", s,
            of("idle", s, "bytes_per_connection") / 1000, ratio("idle", s, "bytes_per_connection"),
            of("idle", s, "joins_per_second"), of("idle", s, "server_cpu_us_per_join"),
            ratio("idle", s, "server_cpu_us_per_join")
    }
}
function storm() {
    if (!("storm" in rows)) return
    printf "\n%s\n", title["storm"]
    printf "%.0f joins/s, %.1f us CPU each; a join takes %s ms (p50), %s (p99)\n",
        of("storm", "roost", "joins_per_second"), of("storm", "roost", "server_cpu_us_per_join"),
        milliseconds(of("storm", "roost", "join_p50_us")), milliseconds(of("storm", "roost", "join_p99_us"))
    printf "an unrelated topic meanwhile: %s ms (p50), %s (p99), %s (max); lost: %d; load %.0f%% busy\n",
        milliseconds(of("storm", "roost", "probe_p50_us")), milliseconds(of("storm", "roost", "probe_p99_us")),
        milliseconds(of("storm", "roost", "probe_max_us")), most("storm", "roost", "lost"),
        of("storm", "roost", "load_busy_percent")
}
function flat(    i, r, what, first, cost, words) {
    if (!flats) return
    printf "\nFlat costs of Roost: us CPU of the node, and how often the first of its kind\n"
    for (i = 1; i <= flats; ++i) {
        r = flat_row[i]
        words[3] = ""
        split(substr(r, 6), words, ",")
        if (words[3] != "") words[2] = words[2] ", " words[3]
        cost = of(r, "roost", "server_cpu_us_per_delivery")
        if (cost == "") cost = of(r, "roost", "server_cpu_us_per_time")
        if (words[1] != what) { what = words[1]; first = cost }
        printf "%-16s %-24s %10.3f %6.2f\n", words[1], words[2], cost,
            (first > 0 ? cost / first : 0)
    }
}
BEGIN {
    title["fanout"] = "One topic, 1,000 subscribers, 128 bytes, one message at a time"
    title["busy"] = "The same, ten messages at once"
    title["rooms"] = "1,000 rooms of 10, every member publishes"
    title["cross"] = "Two nodes on one core: publisher on one, 1,000 subscribers on the other, one at a time"
    title["cross-busy"] = "The same, ten at once"
    title["idle"] = "Idle connections, each joined to a topic of its own (kernel not counted)"
    title["storm"] = "A storm of joins"
}
{
    key = $1 SUBSEP $2 SUBSEP $3
    value[key, ++count[key]] = $4
    if ($1 ~ /^flat:/ && !($1 in rows)) flat_row[++flats] = $1
    rows[$1] = 1
    if (!($2 in known)) { known[$2] = 1; name[++servers] = $2 }
}
END {
    traffic("fanout"); traffic("busy"); traffic("rooms"); traffic("cross"); traffic("cross-busy")
    idle(); storm(); flat()
}
