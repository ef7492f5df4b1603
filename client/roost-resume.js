// roost-resume: a phoenix.js channel that comes back with what it missed.
//
//   import {resume} from "./roost-resume.js"
//
//   const saved = JSON.parse(localStorage.getItem("room:1"))
//   const room = resume(socket, "room:1", {seen: saved, onResume, onGap})
//   room.on("new_msg", msg => show(msg))
//   room.join()
//   onpagehide = () => localStorage.setItem("room:1", JSON.stringify(room.positions()))
//
// It returns the ordinary channel of socket.channel(topic, params), used as any other, which
// says at each join how far it has come, and takes note of each message after its handlers ran,
// also when one of them threw. All options may be left out:
//
//   params    the join's own parameters: an object, or a function that returns one
//   seen      where to start: positions saved earlier, or {last: 20}, or {seconds: 60}
//   onResume  called with {recovered, replayed, truncated} when a join that had something to come
//             back to is answered, before the replayed messages. When `recovered` is false,
//             something is missing: fetch the state anew from where it is kept.
//   onGap     called with {origin, from, to} when messages were lost for good while connected
//
// room.positions() is what to save, and to give as `seen` another time. Nothing is patched but
// the one channel. For phoenix.js 1.7 and 1.8.
const place = /^([0-9a-f]{16}\.\d+)\/(\d+)$/  // Request refs are plain numbers and never match.

export function resume(socket, topic, {params = {}, seen, onResume, onGap} = {}) {
  let positions = {...seen}
  let returns = Object.keys(positions).length > 0
  let is_answered = false
  let is_refused = false

  const room = socket.channel(topic, () => {
    is_answered = false
    return {...(typeof params === "function" ? params() : params), since: positions}
  })
  const {join, trigger} = room
  room.positions = () => ({...positions})

  room.join = (...args) => join.apply(room, args).receive("ok", (reply) => {
    const {positions: start, recovered = false, replayed = 0, truncated = false} = reply ?? {}
    positions = {...start}
    is_answered = true
    const result = {recovered: recovered && !is_refused, replayed, truncated}
    const tells = returns
    returns = true
    is_refused = false
    if (tells) onResume?.(result)
  }).receive("error", (reply) => {
    // What was saved is of no use: phoenix.js tries again by itself, from here on.
    if (!String(reply?.reason).startsWith("bad since")) return
    positions = {}
    is_refused = true
  })

  // Everything that reaches a channel's handlers passes here. What comes between a join and its
  // answer belongs to an earlier join, which timed out: it is not heard, as the answer brings it
  // again, and says whether it is complete.
  room.trigger = (event, payload, ref, ...rest) => {
    const [, origin, number] = place.exec(ref) ?? []
    if (origin && !is_answered) return
    try {
      trigger.call(room, event, payload, ref, ...rest)
    } finally {
      if (origin) positions[origin] = Number(number)
    }
  }

  if (onGap) room.on("roost:gap", (gap) => onGap(gap))
  return room
}
