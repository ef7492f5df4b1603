#include "daemon/edge/try_page.hpp"

namespace roost {

const std::string_view try_page = R"html(<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Roost</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
  #messages { list-style: none; padding: 0; min-height: 12rem }
  #messages li { border-bottom: 1px solid #ddd; padding: .25rem 0 }
  #status { color: #666 }
  form { display: flex; gap: .5rem } input { flex: 1; font: inherit } button { font: inherit }
</style>
<h1>Roost</h1>
<p>Room <b>room:lobby</b> on <b id="node"></b>: <span id="status">connecting</span></p>
<ul id="messages"></ul>
<form id="send"><input id="text" autocomplete="off" placeholder="Say something"><button>Send</button></form>
<script>
  const topic = "room:lobby"
  const show = (id, text) => { document.getElementById(id).textContent = text }
  show("node", location.host)
  let socket, ref = 0
  const push = (event, payload) =>
    socket.send(JSON.stringify(["1", String(++ref), topic, event, payload]))
  function connect() {
    ref = 0
    const path = location.pathname.replace(/\/$/, "") + "/socket/websocket?vsn=2.0.0"
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`)
    socket.onopen = () => push("phx_join", {})
    socket.onclose = () => { show("status", "connecting"); setTimeout(connect, 500) }
    socket.onmessage = ({data}) => {
      const [, , , event, payload] = JSON.parse(data)
      if (event === "phx_reply" && payload.status === "ok") show("status", "joined")
      if (event !== "say") return
      const line = document.createElement("li")
      line.textContent = payload.text
      document.getElementById("messages").append(line)
    }
  }
  setInterval(() => { if (socket.readyState === 1)
    socket.send(JSON.stringify([null, String(++ref), "phoenix", "heartbeat", {}])) }, 30000)
  document.getElementById("send").onsubmit = (submit) => {
    submit.preventDefault()
    const input = document.getElementById("text")
    if (input.value) push("say", {text: input.value})
    input.value = ""
  }
  connect()
</script>
)html";

}  // namespace roost
