// bad_frames: what no well-meaning client sends, and what a node answers to it.
//
// Each case is {what, bytes, vsn, answers, code}: the bytes are sent on a connection that has
// joined room:bad. `answers` are all the messages that come for them; with a `code` the node
// closes. A code of null is an end without a close: libwebsockets drops what it cannot follow.
import {binary, fragments, frame, opcodes, text} from "./raw_ws.mjs";

export const max_frame_bytes = 20000;

const {continuation, close, ping, pong} = opcodes;
const as_json = JSON.stringify;

// Frames of version 2.0 from raw JSON, and what they are answered.
const v2 = ({join_ref = '"1"', ref = '"2"', topic = '"room:bad"', event = '"m"',
  payload = "{}"} = {}) => `[${[join_ref, ref, topic, event, payload]}]`;
const reply = (join_ref, ref, topic, payload) => {
  return `[${join_ref},${ref},${topic},"phx_reply",${payload}]`;
};
const ok = (join_ref = '"1"', ref = '"2"') => {
  return reply(join_ref, ref, '"room:bad"', '{"response":{},"status":"ok"}');
};
const error = (reason) => `{"response":{"reason":"${reason}"},"status":"error"}`;
const heard = (event = '"m"', payload = "{}") => `[null,null,"room:bad",${event},${payload}]`;
const refused = (reason) => [`[null,null,"phoenix","phx_error",{"reason":"${reason}"}]`];

// And of version 1.0.
const v1 = (changes = {}) => {
  const keys = {topic: '"room:bad"', event: '"m"', payload: "{}", ref: '"2"', ...changes};
  const members = Object.entries(keys).filter(([, value]) => value !== undefined);
  return `{${members.map(([key, value]) => `"${key}":${value}`)}}`;
};
const v1_said = (event, payload, ref, topic = '"room:bad"') => {
  return `{"event":${event},"payload":${payload},"ref":${ref},"topic":${topic}}`;
};
const v1_reply = (payload, ref, topic) => v1_said('"phx_reply"', payload, ref, topic);
const v1_ok = (ref = '"2"') => v1_reply('{"response":{},"status":"ok"}', ref);
const v1_heard = (event = '"m"') => v1_said(event, "{}", "null");
const v1_refused = (reason) => [v1_said('"phx_error"', `{"reason":"${reason}"}`, "null",
  '"phoenix"')];

const not_json = refused("frame is not JSON");
const too_deep = refused("frame is nested too deeply");
const not_a_push = refused("binary frame is not a push");
const with_a = (json) => v2({payload: `{"a":${json}}`});
const passes = (json) => [heard('"m"', `{"a":${json}}`), ok()];

function json_texts() {
  const bad_numbers = ["1e309", "1e400", "-1e400", `1${"0".repeat(400)}`, "01", "1.", ".5", "+1",
    "-", "1e", "1e+", "Infinity", "-Infinity", "NaN", "0x10", "1_000"];
  const good_numbers = ["1e308", "1e-400", "-0.0", "1E5", `0.${"1".repeat(1000)}`,
    "123456789012345678901234567890", "18446744073709551616"];
  const bad_strings = ["\\ud800", "\\udc00", "\\ud800\\ud800", "\\ud800x", "\\udc00\\ud800",
    "\\u12", "\\uzzzz", "\\x", "\t", "\n", "\u0000", "\u001f"];
  const good_strings = ["\\ud83d\\ude00", "\\u0000", "\u007f", "\uffff", "\\/"];
  const nested = (levels, open, shut) => with_a(open.repeat(levels) + "1" + shut.repeat(levels));
  return [
    ...bad_numbers.map((number) => ({what: `the number ${number.slice(0, 30)}`,
      bytes: text(with_a(number)), answers: not_json})),
    ...good_numbers.map((number) => ({what: `the number ${number.slice(0, 30)}`,
      bytes: text(with_a(number)), answers: passes(number)})),
    ...bad_strings.map((string) => ({what: `the string ${as_json(string)}`,
      bytes: text(with_a(`"${string}"`)), answers: not_json})),
    ...good_strings.map((string) => ({what: `the string ${as_json(string)}`,
      bytes: text(with_a(`"${string}"`)), answers: passes(`"${string}"`)})),
    ...["join_ref", "ref", "topic", "event"].map((place) => ({what: `a lone surrogate as ${place}`,
      bytes: text(v2({[place]: '"\\ud800"'})), answers: not_json})),
    {what: "a lone surrogate as a key", bytes: text(v2({payload: '{"\\ud800":1}'})),
      answers: not_json},
    {what: "a NUL behind the frame", bytes: text(`${v2()}\u0000`), answers: not_json},
    {what: "a NUL alone", bytes: text("\u0000"), answers: refused("frame is not an array")},
    {what: "a byte order mark", bytes: text(`\ufeff${v2()}`),
      answers: refused("frame is not an array")},
    {what: "\\u0000 as event", bytes: text(v2({event: '"\\u0000"'})),
      answers: [heard('"\\u0000"'), ok()]},
    {what: "62 arrays in a payload", bytes: text(nested(62, "[", "]")),
      answers: passes("[".repeat(62) + "1" + "]".repeat(62))},
    {what: "63 arrays in a payload", bytes: text(nested(63, "[", "]")), answers: too_deep},
    {what: "63 objects in a payload", bytes: text(nested(63, '{"a":', "}")), answers: too_deep},
    {what: "9000 arrays in a payload", bytes: text(nested(9000, "[", "]")), answers: too_deep},
    {what: "64 arrays as a ref", bytes: text(v2({ref: "[".repeat(64) + "]".repeat(64)})),
      answers: too_deep},
    {what: "15000 open brackets", bytes: text("[".repeat(15000)), answers: not_json},
    {what: "keys that are there twice", bytes: text(with_a('{"b":1,"b":2,"a":{"c":3,"c":[]}}')),
      answers: passes('{"b":1,"b":2,"a":{"c":3,"c":[]}}')},
    {what: "a roost_id that is there twice, the last one wrong",
      bytes: text(v2({payload: '{"roost_id":"x","roost_id":1}'})), answers: [
        reply('"1"', '"2"', '"room:bad"', error("roost_id must be a string of 1 to 128 bytes"))]},
    {what: "text of nothing", bytes: text(""), answers: not_json},
    {what: "a frame of version 1.0 on 2.0", bytes: text(v1()),
      answers: refused("frame is not an array")},
  ];
}

function wrong_types() {
  const values = ["42", "-0.5e3", "true", "false", "null", "[]", "{}", '""', '"2"', '[1,{"a":[]}]'];
  const is_string = (value) => value.startsWith('"');
  const reply_2 = (topic, payload) => reply("null", '"2"', topic, payload);
  const in_v2 = {
    join_ref: (value) => (value === "null" ? [heard(), ok()]
      : [reply(value, '"2"', '"room:bad"', error("stale"))]),
    ref: (value) => [heard(), ok('"1"', value)],
    topic: (value) => [reply_2(value, error("unmatched topic"))],
    event: (value) => (is_string(value) ? [heard(value), ok()] : refused("event is not a string")),
    payload: (value) => (value === "{}" ? [heard(), ok()]
      : [reply('"1"', '"2"', '"room:bad"', error("payload must be an object"))]),
  };
  const in_v1 = {
    join_ref: (value) => (value === "null" ? [v1_heard(), v1_ok()]
      : [v1_reply(error("stale"), '"2"')]),
    ref: (value) => [v1_heard(), v1_ok(value)],
    topic: (value) => [v1_reply(error("unmatched topic"), '"2"', value)],
    event: (value) => (is_string(value) ? [v1_heard(value), v1_ok()]
      : v1_refused("event is not a string")),
    payload: (value) => (value === "{}" ? [v1_heard(), v1_ok()]
      : [v1_reply(error("payload must be an object"), '"2"')]),
  };
  const cases = [];
  for (const value of values) {
    for (const place of Object.keys(in_v2)) {
      cases.push({what: `${value} as ${place}`, bytes: text(v2({[place]: value})),
        answers: in_v2[place](value)});
      cases.push({what: `${value} as ${place} in 1.0`, vsn: "1.0.0",
        bytes: text(v1({[place]: value})), answers: in_v1[place](value)});
    }
  }
  for (const key of ["topic", "event", "payload", "ref"]) {
    cases.push({what: `no ${key} in 1.0`, vsn: "1.0.0", bytes: text(v1({[key]: undefined})),
      answers: v1_refused("frame lacks topic, event, payload or ref")});
  }
  return [
    ...cases,
    {what: "each key twice in 1.0: the last one counts", vsn: "1.0.0",
      bytes: text(`{"topic":1,"event":2,"payload":3,"ref":4,${v1().slice(1)}`),
      answers: [v1_heard(), v1_ok()]},
    {what: "an array in 1.0", vsn: "1.0.0", bytes: text(v2()),
      answers: v1_refused("frame is not an object")},
    {what: "bytes in 1.0", vsn: "1.0.0", bytes: binary("x"),
      answers: v1_refused("binary frames need a WebSocket with vsn=2.0.0")},
  ];
}

function not_utf8() {
  const sequences = [[0xff], [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0xaf], [0xe2, 0x82],
    [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0xaf], [0xf4, 0x90, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80]];
  const [before, behind] = with_a('"|"').split("|").map((part) => Buffer.from(part));
  const whole = (bytes) => Buffer.concat([before, Buffer.from(bytes), behind]);
  return [
    ...sequences.flatMap((bytes) => {
      const hex = Buffer.from(bytes).toString("hex");
      return [
        {what: `the bytes ${hex} in text`, bytes: text(whole(bytes)), code: 1007},
        {what: `the bytes ${hex}, each in a fragment`, code: 1007,
          bytes: fragments([before, ...bytes.map((byte) => Buffer.from([byte])), behind])},
        {what: `the bytes ${hex} in 1.0`, vsn: "1.0.0", bytes: text(whole(bytes)), code: 1007},
      ];
    }),
    {what: "a character whose end never comes", code: 1007,
      bytes: fragments([before, Buffer.from([0xe2]), Buffer.from([0x28, 0xa1]), behind])},
    {what: "a character in three fragments", answers: passes('"€"'),
      bytes: fragments([before, ...[0xe2, 0x82, 0xac].map((byte) => Buffer.from([byte])), behind])},
  ];
}

function binary_frames() {
  const push = ["1", "2", "room:bad", "m"].map((part) => Buffer.from(part));
  const of_parts = (parts) => Buffer.concat([
    Buffer.from([0, ...parts.map((part) => part.length)]), ...parts]);
  const whole = of_parts(push);
  return [
    {what: "bytes of nothing", bytes: binary(""), answers: not_a_push},
    ...[1, 2, 3, 4, 127, 255].map((kind) => ({what: `bytes of kind ${kind}`,
      bytes: binary(Buffer.from([kind, ...whole.subarray(1)])), answers: not_a_push})),
    ...Array.from({length: whole.length - 1}, (_, i) => i + 1).filter((size) => size % 3 === 1)
      .map((size) => ({what: `the first ${size} bytes of a push`,
        bytes: binary(whole.subarray(0, size)), answers: not_a_push})),
    {what: "lengths beyond the end", bytes: binary(Buffer.from([0, 255, 255, 255, 255])),
      answers: not_a_push},
    ...push.map((_, i) => ({what: `field ${i} of a push that is not UTF-8`, answers: not_a_push,
      bytes: binary(of_parts(push.map((part, at) => (at === i ? Buffer.from([0xff]) : part))))})),
    {what: "fields of nothing", bytes: binary(Buffer.alloc(5)),
      answers: [reply("null", '""', '""', error("unmatched topic"))]},
    {what: "a push of bytes that is stale", answers: [
      reply('""', '"2"', '"room:bad"', error("stale"))],
      bytes: binary(of_parts(push.map((part, i) => (i === 0 ? Buffer.alloc(0) : part))))},
  ];
}

function fragmented() {
  const message = with_a(`"${"x".repeat(4000)}"`);
  const pieces = [...message];
  const in_pings = pieces.slice(0, 300).flatMap((piece, i) => [
    frame(i === 0 ? opcodes.text : continuation, piece, {fin: false}), frame(ping, "in between")]);
  return [
    {what: "a message in thousands of fragments", bytes: fragments(pieces),
      answers: passes(`"${"x".repeat(4000)}"`)},
    {what: "thousands of empty fragments and then the message",
      bytes: fragments([...Array(5000).fill(""), message]),
      answers: passes(`"${"x".repeat(4000)}"`)},
    {what: "a message of empty fragments", bytes: fragments(Array(5000).fill("")),
      answers: not_json},
    {what: "a ping behind each of many fragments", answers: passes(`"${"x".repeat(4000)}"`),
      bytes: Buffer.concat([...in_pings, frame(continuation, message.slice(300))])},
    {what: "fragments beyond the limit together", code: 1009,
      bytes: fragments(Array(3).fill("x".repeat(max_frame_bytes / 2 - 1)))},
    {what: "a continuation of nothing", bytes: frame(continuation, "x"), code: 1002},
    {what: "a message within a message", code: 1002,
      bytes: Buffer.concat([text("[", {fin: false}), text(v2())])},
  ];
}

function frames_against_the_rules() {
  const huge = {"2^63-1": 2n ** 63n - 1n, "2^40": 2n ** 40n, "2^32": 2n ** 32n, "2^31": 2n ** 31n};
  const beyond = {"2^63": 2n ** 63n, "2^64-1": 2n ** 64n - 1n};
  const code_bytes = (code) => Buffer.from([code >> 8, code & 255]);
  const beat = '[null,"9","phoenix","heartbeat",{}]';
  const beat_answer = [reply("null", '"9"', '"phoenix"', '{"response":{},"status":"ok"}')];
  return [
    ...[1, 2, 4].map((rsv) => ({what: `reserved bit ${rsv}`, bytes: text(v2(), {rsv}),
      code: 1002})),
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({what: `opcode ${opcode}`,
      bytes: frame(opcode, "x"), code: 1002})),
    ...Object.entries({close, ping, pong}).map(([name, opcode]) => ({what: `a ${name} in fragments`,
      bytes: frame(opcode, code_bytes(1001), {fin: false}), code: 1002})),
    ...Object.entries({close, ping, pong}).map(([name, opcode]) => ({what: `a ${name} of 126 bytes`,
      bytes: frame(opcode, Buffer.alloc(126, 65)), code: null})),
    {what: "a ping that says 2^63-1 bytes", code: null,
      bytes: frame(ping, "x", {says: 2n ** 63n - 1n, width: 8})},
    ...Object.entries(huge).map(([name, says]) => ({what: `a text that says ${name} bytes`,
      bytes: text("x", {says, width: 8}), code: 1009})),
    ...Object.entries(huge).map(([name, says]) => ({what: `bytes that say ${name}`,
      bytes: binary("x", {says, width: 8}), code: 1009})),
    ...Object.entries(beyond).map(([name, says]) => ({what: `a text that says ${name} bytes`,
      bytes: text("x", {says, width: 8}), code: null})),
    ...[0, 999, 1004, 1005, 1006, 1015, 2999].map((code) => ({what: `a close with ${code}`,
      bytes: frame(close, code_bytes(code)), code: 1002})),
    {what: "a close of one byte", bytes: frame(close, "x"), code: 1005},
    // Against the rules, and yet taken by libwebsockets.
    {what: "a length in more bytes than it needs", answers: beat_answer,
      bytes: text(beat, {width: 8})},
    {what: "a frame without a mask", answers: beat_answer, bytes: text(beat, {mask: false})},
  ];
}

export const bad_frames = {
  "JSON that is odd or none": json_texts(),
  "wrong types in each place": wrong_types(),
  "text that is not UTF-8": not_utf8(),
  "binary frames": binary_frames(),
  "fragments": fragmented(),
  "frames against the rules of WebSocket": frames_against_the_rules(),
};
