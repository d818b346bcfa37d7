// The picture that people draw on. Everything a hand does is a numbered command. All commands that the server has not
// yet answered are sent together, so that none is lost however quickly they follow, and each stays drawn until the
// picture that shows its effect is there.
const CLOSE_PX = 9; // a corner this near to the first one closes the outline
const WHEEL_STEP = 60, WHEEL_PAUSE = 90; // px of wheel and ms a zoom step
const ANSWER_MS = 4000; // without an answer what waits is sent again
const MOST_KEPT = 8; // photographs
const LASTING = ["draw", "class", "size"]; // acts that are done also when the page was loaded anew before the answer
const HELD_PX = 12; // so far may a hand tremble without leaving what it has just outlined, or what is ringed
const surfaces = new WeakMap();

async function decoded(source) {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  return picture;
}

class Surface {
  constructor(root) {
    this.canvas = root.querySelector("canvas");
    this.waiting = []; // commands without an answer
    this.number = 0;
    this.corners = [];
    this.photographs = new Map(); // by name, of the views seen last
    this.wheel = 0;
    this.wheelAt = 0;
    this.listen();
    const again = setInterval(() => {
      if (!root.isConnected) clearInterval(again);
      else if (this.waiting.length && Date.now() - this.sentAt > ANSWER_MS) this.send();
    }, 1000);
  }

  async update(component) {
    this.component = component;
    const data = { ...component.data }, kept = this.photographs.get(data.name);
    this.latest = data;
    this.recall(data);
    if (!kept && !data.photograph) return this.send(); // it says what it has, and is sent the rest
    let photograph, marks;
    try {
      [photograph, marks] = await Promise.all([kept || decoded(data.photograph), decoded(data.marks)]);
    } catch { return; }
    if (this.latest !== data) return; // a newer one came meanwhile
    this.keep(data.name, photograph);
    Object.assign(this, { photograph, marks });
    if (data.place !== this.place) { // the hand rests, unless it has moved since it asked for this place
      if (!(this.asked > this.shown && this.asked <= data.done)) this.restedAt = this.pointer;
      [this.place, this.outlined] = [data.place, null];
    }
    if (this.name !== data.name) [this.name, this.outlined] = [data.name, null]; // another part of the image
    if (this.pressed?.tool === data.tool || performance.now() > this.pressed?.until) this.pressed = null;
    this.data = data;
    this.take();
    if (data.done > this.shown) document.dispatchEvent(new CustomEvent("bccseg-drawn"));
    this.shown = data.done;
    this.number = Math.max(this.number, data.done);
    this.waiting = this.waiting.filter((command) => command.number > data.done);
    const [, , , , w, h] = data.view, r = devicePixelRatio;
    if (this.canvas.width !== Math.round(w * r)) this.canvas.width = Math.round(w * r);
    if (this.canvas.height !== Math.round(h * r)) this.canvas.height = Math.round(h * r);
    Object.assign(this.canvas.style, { width: `${w}px`, aspectRatio: `${w} / ${h}` });
    this.store();
    this.canvas.dataset.done = data.done;
    this.canvas.dataset.waiting = this.waiting.length;
    this.draw();
  }

  recall({ key, done }) { // what had no answer when this tab was loaded anew
    if (this.key === key) return;
    this.key = key;
    try { this.waiting = JSON.parse(sessionStorage.getItem(key) || "[]").filter((command) => command.number > done); } catch { return; }
    if (this.waiting.length) this.send();
  }

  store() {
    const lasting = this.waiting.filter(({ act }) => LASTING.includes(act));
    try {
      if (lasting.length) sessionStorage.setItem(this.key, JSON.stringify(lasting));
      else sessionStorage.removeItem(this.key);
    } catch { /* a browser that keeps nothing */ }
  }

  keep(name, photograph) {
    this.photographs.delete(name); // last one in is last one out
    this.photographs.set(name, photograph);
    if (this.photographs.size > MOST_KEPT) this.photographs.delete(this.photographs.keys().next().value);
  }

  take() { // the tool that the page names, or that of a key it has not answered yet
    if (this.pressed) [this.data.tool, this.data.colour, this.data.brush] = this.data.keys[this.pressed.key];
    const { tool, brush, corners } = this.data;
    if (!corners || tool !== "add") this.corners = [];
    this.canvas.classList.toggle("move", tool === "move");
    this.canvas.classList.toggle("brush", brush > 0);
  }

  hand() { // name and colour of the class in hand: of the last key, though the page has not heard of it yet
    const last = this.waiting.findLast(({ act }) => act === "class");
    return last ? [last.name, last.colour] : this.data.hand;
  }

  give([name, colour]) { // to what was just outlined, what is ringed, or what the pointer is on; else it is only in hand
    const { tool, ring } = this.data, still = ring && (!this.pointer || this.restedAt);
    const points = this.outlined || (still ? [ring.slice(0, 2)] : this.pointer && [this.pointer]);
    const value = tool !== "class" || !points || this.line ? 0 : !this.outlined && still ? 2 : 1;
    this.command("class", value ? points : [[0, 0]], { name, colour, tool, value });
  }

  left([x, y]) { // whether the pointer has left a place
    return Math.hypot(x - this.pointer[0], y - this.pointer[1]) > HELD_PX;
  }

  command(act, points, more = {}) {
    this.number = Math.max(this.number + 1, Date.now() * 8); // ascending, also after the page was opened again
    this.waiting.push({ number: this.number, act, view: this.data.view, points, ...more });
    this.canvas.dataset.waiting = this.waiting.length;
    if (act === "next" || more.value === 2 && act === "class") [this.asked, this.restedAt] = [this.number, this.pointer];
    this.send();
    this.draw();
  }

  send() {
    this.sentAt = Date.now();
    this.store();
    this.component.setStateValue("waiting", { commands: this.waiting, at: this.sentAt, has: this.photographs.has(this.latest.name) ? this.latest.name : "" });
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect(), [, , , , w, h] = this.data.view;
    return [(event.clientX - box.left) * w / box.width, (event.clientY - box.top) * h / box.height];
  }

  stroke(points, tool = this.data.tool) {
    const [name, colour] = this.hand(), own = tool === "class" && name ? { colour } : {};
    this.command("draw", points, { tool, value: tool === this.data.tool ? this.data.brush : 0, name, ...own });
    this.outlined = tool === "class" && points.length > 2 ? points : null;
  }

  brushStep(step) { this.command("brush", [[0, 0]], { value: step }); }

  draw() {
    if (this.drawing || !this.photograph) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      const c = this.canvas.getContext("2d"), [, , , , w, h] = this.data.view;
      c.setTransform(this.canvas.width / w, 0, 0, this.canvas.height / h, 0, 0);
      const pans = [...this.waiting.filter((command) => command.act === "pan").map((command) => command.points), ...(this.pan ? [this.pan] : [])];
      const dx = pans.reduce((sum, [from, to]) => sum + to[0] - from[0], 0), dy = pans.reduce((sum, [from, to]) => sum + to[1] - from[1], 0);
      c.clearRect(0, 0, w, h);
      c.drawImage(this.photograph, dx, dy, w, h);
      c.drawImage(this.marks, dx, dy, w, h);
      if (this.data.ring) this.ring(c, this.data.ring, dx, dy);
      for (const { act, points, tool, value, colour } of this.waiting) {
        if (act === "draw") this.ink(c, points, value, colour, tool);
        if (act === "class" && value) this.ink(c, points, 0, colour);
      }
      const classing = this.data.tool === "class", colour = classing && this.hand()[1] || this.data.colour;
      if (this.line) this.ink(c, this.line, this.data.brush, colour, this.data.tool);
      if (this.outlined) this.dashedLine(c, this.outlined, colour);
      if (this.corners.length) this.drawCorners(c);
      if (this.data.adjust && !this.waiting.some((command) => command.act === "draw")) this.dashes(c, this.data.adjust);
      if (classing && this.pointer) this.badge(c, this.pointer, colour);
      if (this.data.brush && this.pointer) this.circle(c, this.pointer, this.data.brush * w / this.data.view[2] / 2);
    });
  }

  ink(c, points, brush, colour = this.data.colour, tool = "") { // what a stroke looks like until its effect is shown
    const [, , width, , w] = this.data.view;
    c.strokeStyle = c.fillStyle = tool === "delete" ? "#e62846" : colour;
    c.lineWidth = brush ? brush * w / width : 3;
    c.lineCap = c.lineJoin = "round";
    c.beginPath();
    if (points.length < 2) c.arc(...points[0], brush ? c.lineWidth / 2 : 4, 0, 2 * Math.PI), c.fill();
    else { points.forEach((p) => c.lineTo(...p)); c.stroke(); }
  }

  circle(c, [x, y], radius, lines = [["#fff", 3], ["#000", 1]]) {
    for (const [colour, width] of lines) {
      c.strokeStyle = colour;
      c.lineWidth = width;
      c.beginPath();
      c.arc(x, y, Math.max(1, radius), 0, 2 * Math.PI);
      c.stroke();
    }
  }

  dashedLine(c, points, colour) { // around cells that the next key gives a class
    c.setLineDash([6, 4]);
    this.ink(c, [...points, points[0]], 0, colour);
    c.setLineDash([]);
  }

  badge(c, [x, y], colour) { // the class in hand, beside the pointer
    c.fillStyle = colour;
    c.strokeStyle = "#fff";
    c.lineWidth = 2;
    c.beginPath();
    c.arc(x + 14, y + 14, 6, 0, 2 * Math.PI);
    c.fill();
    c.stroke();
  }

  ring(c, [x, y, radius], dx, dy) { // around what is to be looked at
    this.circle(c, [x + dx, y + dy], radius, [["#fff", 4], ["#1e3cff", 2]]);
  }

  dashes(c, [x, y, radius]) { // around the cell whose size the wheel changes
    c.setLineDash([6, 6]);
    this.circle(c, [x, y], radius);
    c.setLineDash([]);
  }

  drawCorners(c) {
    const line = [...this.corners, ...(this.pointer ? [this.pointer] : [])];
    this.ink(c, line, 0);
    for (const corner of this.corners) this.circle(c, corner, 3);
  }

  corner(point) {
    const [x, y] = this.corners[0] || [];
    if (this.corners.length > 2 && Math.hypot(point[0] - x, point[1] - y) < CLOSE_PX) return this.close();
    this.corners.push(point);
    this.draw();
  }

  close() {
    const corners = this.corners;
    this.corners = [];
    if (corners.length > 2) this.stroke(corners);
    this.draw();
  }

  listen() {
    const canvas = this.canvas;
    canvas.oncontextmenu = (event) => event.preventDefault();
    canvas.onpointerdown = (event) => {
      if (!this.data) return;
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      const point = this.at(event);
      if (event.button === 2) return this.stroke([point], "delete");
      if (event.button === 0 && event.shiftKey) return this.stroke([point], "merge");
      if (event.button === 1 || this.space || this.data.tool === "move") {
        event.preventDefault();
        this.pan = [point, point];
        canvas.classList.add("dragging");
      } else if (this.data.tool === "add" && this.data.corners) this.corner(point);
      else this.line = [point];
      this.draw();
    };
    canvas.onpointermove = (event) => {
      if (!this.data) return;
      this.pointer = this.at(event);
      if (this.pan) this.pan = [this.pan[0], this.pointer];
      if (this.restedAt && this.left(this.restedAt)) this.restedAt = null;
      if (this.outlined && !this.line && this.left(this.outlined.at(-1))) this.outlined = null;
      if (this.line) for (const e of event.getCoalescedEvents?.() || [event]) this.line.push(this.at(e));
      if (this.pan || this.line || this.corners.length || this.data.brush || this.data.tool === "class") this.draw();
    };
    canvas.onpointerup = (event) => {
      const { line, pan } = this, end = this.data && this.at(event);
      this.line = this.pan = null;
      canvas.classList.remove("dragging");
      if (line) { if (line.length > 1) line.push(end); this.stroke(line); }
      if (pan) this.command("pan", [pan[0], end]);
    };
    canvas.onpointercancel = () => { this.line = this.pan = null; this.draw(); };
    canvas.onpointerleave = () => { this.pointer = null; this.draw(); };
    canvas.ondblclick = () => { if (this.corners.length > 3) { this.corners.pop(); this.close(); } };
    canvas.addEventListener("wheel", (event) => this.onwheel(event), { passive: false });
    const key = (event) => {
      if (!canvas.isConnected) { document.removeEventListener("keydown", key); document.removeEventListener("keyup", key); return; }
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.composedPath()[0]?.tagName)) return; // somebody is typing
      const down = event.type === "keydown";
      if (event.key === "Control") this.ctrl = down; // a pinch on a trackpad is a wheel that only says it has it
      if (event.code === "Space" && canvas.matches(":hover")) { this.space = down; event.preventDefault(); }
      if (!down) { this.space = event.code === "Space" ? false : this.space; return; }
      const letter = event.key.toLowerCase(), tool = this.data?.keys[letter];
      if (tool && !event.ctrlKey && !event.metaKey && !event.altKey) {
        this.pressed = { key: letter, tool: tool[0], until: performance.now() + 3000 };
        this.take();
        this.draw();
      }
      if (!tool && this.data && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const digit = "+-=[]?".includes(event.key) ? "" : event.code.match(/^Digit(\d)$/)?.[1]; // French keyboards shift theirs
        const given = this.data.classes[letter] || this.data.classes[digit];
        if (given) this.give(given);
        if (letter === this.data.next) this.command("next", [[0, 0]]);
      }
      if (event.key === "Escape") { this.line = this.outlined = null; this.corners = []; this.draw(); }
      if (event.key === "Enter" && this.corners.length) this.close();
      else if (event.key === "Enter" && this.data?.adjust) this.command("take", [[0, 0]]);
      if (event.key === "Backspace" && this.corners.length) { this.corners.pop(); this.draw(); }
    };
    document.addEventListener("keydown", key);
    document.addEventListener("keyup", key);
  }

  onwheel(event) {
    event.preventDefault();
    if (!this.data) return;
    this.wheel += event.deltaY * (event.ctrlKey && !this.ctrl ? 8 : 1);
    if (Math.abs(this.wheel) < WHEEL_STEP || Date.now() - this.wheelAt < WHEEL_PAUSE) return;
    const step = this.wheel < 0 ? 1 : -1;
    this.wheel = 0;
    this.wheelAt = Date.now();
    const [x, y, radius] = this.data.adjust || [0, 0, -1], point = this.at(event);
    if (event.ctrlKey && this.ctrl) this.brushStep(step);
    else if (Math.hypot(point[0] - x, point[1] - y) <= radius) this.command("size", [[0, 0]], { value: step });
    else this.command("zoom", [point], { value: step });
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".surface");
  if (!surfaces.has(root)) surfaces.set(root, new Surface(root));
  surfaces.get(root).update(component);
}
