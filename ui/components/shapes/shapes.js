// Named regions drawn on an image. Zooming, moving and reshaping happen here. Each change is a numbered command; all that the server has not answered are sent together and stay
// drawn, so that none is lost however quickly they follow, also when the page is loaded anew in between.
const NEAR_PX = 9, DRAG_PX = 5, ANSWER_MS = 4000; // without an answer what waits is sent again
const FREEHAND_PX = 1.2; // image px or screen px, whichever is more, that a line drawn by hand may be off
const surfaces = new WeakMap();

class Shapes extends ImageView {
  get image() { return this.picture; }
  get width() { return this.data.width; } get height() { return this.data.height; }

  constructor(root) {
    super();
    this.root = root;
    this.$ = (selector) => root.querySelector(selector);
    this.stage = this.$(".stage");
    this.canvas = this.$("canvas");
    this.waiting = []; // commands without an answer
    this.number = 0;
    this.tool = "select";
    this.corners = [];
    this.past = []; // what takes back each change
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    const again = setInterval(() => {
      if (!root.isConnected) clearInterval(again);
      else if (this.waiting.length && Date.now() - this.sentAt > ANSWER_MS) this.send();
    }, 1000);
  }

  async update(component) {
    this.component = component;
    const data = { ...component.data };
    this.latest = data;
    if (!data.image && this.pictureKey !== data.key) return this.send(); // it says what it has, and is sent the rest
    if (data.key !== this.pictureKey) {
      const picture = new Image();
      picture.src = data.image;
      try { await picture.decode(); } catch { return; }
      if (this.latest !== data) return; // a newer one came meanwhile
      const other = data.place !== this.data?.place;
      Object.assign(this, { picture, pictureKey: data.key, data });
      if (other) { this.forget(); this.recall(data); }
      this.take(data);
      if (other) this.fit();
      this.resize();
    } else this.take(data);
    this.stage.dataset.ready = data.key;
  }

  forget() { // another image
    Object.assign(this, { chosen: null, corners: [], past: [], hold: null, waiting: [] });
    this.setTool("select");
  }

  take(data) {
    this.data = data;
    this.number = Math.max(this.number, data.done);
    this.waiting = this.waiting.filter((command) => command.number > data.done);
    this.store();
    this.shapes = new Map(data.shapes.map((shape) => [shape.name, shape]));
    for (const command of this.waiting) this.apply(command);
    if (!this.shapes.has(this.chosen)) this.chosen = null;
    this.stage.dataset.waiting = this.waiting.length;
    this.stage.dataset.done = data.done;
    this.state();
    this.draw();
  }

  // --- changes

  apply({ act, name, kind, points }) {
    if (act === "put") this.shapes.set(name, { name, kind, points });
    if (act === "delete") this.shapes.delete(name);
  }

  command(act, more, takenBack) {
    this.number = Math.max(this.number + 1, Date.now() * 8); // ascending, also after the page was opened again
    const command = { number: this.number, act, place: this.data.place, ...more };
    this.waiting.push(command);
    this.apply(command);
    if (takenBack) this.past.push(takenBack);
    this.stage.dataset.waiting = this.waiting.length;
    this.store();
    this.send();
    this.state();
    this.draw();
  }

  put(shape, isNew = false) {
    const before = this.shapes.get(shape.name), points = shape.points.map(round);
    const back = before ? ["put", before] : ["delete", { name: shape.name }];
    this.command("put", { name: shape.name, kind: shape.kind, points, new: isNew }, back);
  }

  remove(name) {
    const before = this.shapes.get(name);
    if (!before) return;
    this.chosen = null;
    this.command("delete", { name }, ["put", { ...before, new: true }]);
  }

  undo() {
    if (this.corners.length) { this.corners.pop(); return this.draw(); }
    const [act, shape] = this.past.pop() || [];
    if (shape?.new || this.shapes.has(shape?.name)) this.command(act, shape); // else it has another name now
    this.state();
  }

  send() {
    this.sentAt = Date.now();
    this.component.setStateValue("waiting", { commands: this.waiting, at: this.sentAt, has: this.pictureKey || "" });
  }

  store() { // outlives a reload until it is answered; kept by the tab
    try {
      const key = `bccseg-shapes-${this.data.place}`;
      if (this.waiting.length) sessionStorage.setItem(key, JSON.stringify(this.waiting));
      else sessionStorage.removeItem(key);
    } catch { /* a browser that keeps nothing */ }
  }

  recall(data) {
    try {
      const kept = JSON.parse(sessionStorage.getItem(`bccseg-shapes-${data.place}`) || "[]");
      this.waiting = kept.filter((command) => command.number > data.done);
      if (this.waiting.length) this.send();
    } catch { /* nothing that can be read */ }
  }

  freeName(kind) {
    for (let k = 1; ; k++) if (!this.shapes.has(`${NAMES[kind]} ${k}`)) return `${NAMES[kind]} ${k}`;
  }

  finish(kind, points) {
    const ring = ringOf({ kind, points });
    if (areaOf(ring) * this.scale ** 2 < 30) return; // a slip of the hand
    const name = this.freeName(kind);
    this.chosen = name;
    this.put({ name, kind, points }, true);
  }

  close() {
    const corners = this.corners;
    this.corners = [];
    if (corners.length > 2) this.finish(this.tool, corners);
    this.draw();
  }

  setTool(tool) {
    if (tool !== this.tool) this.corners = [];
    this.tool = tool;
    this.state();
    this.draw();
  }

  state() { // buttons and words
    this.root.querySelectorAll("[data-tool]").forEach((b) => {
      b.classList.toggle("on", b.dataset.tool === this.tool);
      b.setAttribute("aria-pressed", b.dataset.tool === this.tool);
    });
    this.$(".undo").disabled = !this.past.length && !this.corners.length;
    this.$(".delete").disabled = !this.chosen;
    this.stage.classList.toggle("select", this.tool === "select");
    const empty = this.tool === "select" && this.shapes && !this.shapes.size;
    const frame = this.data?.frames === false ? "Rectangle" : "Frame", said = this.tool === "frame" && frame === "Rectangle" ? RECTANGLE : SAID[this.tool];
    this.$("[data-tool=frame]").textContent = frame;
    this.$(".said").textContent = empty ? `Choose ${frame}, Region or Exclude, then draw on the image.` : said;
    this.$(".said").hidden = !this.picture;
  }

  // --- places

  handles(shape) { // of what is chosen, in image px
    const ring = ringOf(shape);
    if (shape.kind !== "frame") return ring.map((at, k) => ({ at, k }));
    const middle = ring.map((a, k) => [(a[0] + ring[(k + 1) % 4][0]) / 2, (a[1] + ring[(k + 1) % 4][1]) / 2]);
    return [...ring.map((at, k) => ({ at, k })), ...middle.map((at, k) => ({ at, k: k + 4 }))];
  }

  under(point) { // what the pointer is on
    const near = (at) => distance(this.toScreen(at), point) <= NEAR_PX;
    const chosen = this.shapes.get(this.chosen);
    const handle = chosen && this.handles(chosen).find(({ at }) => near(at));
    if (handle) return { name: this.chosen, k: handle.k };
    const p = this.toImage(point);
    const hits = [...this.shapes.values()].filter((shape) => {
      const ring = ringOf(shape);
      return within(p, ring) || ring.some((a, k) => besideSegment(p, a, ring[(k + 1) % ring.length])[0] * this.scale < NEAR_PX);
    });
    hits.sort((a, b) => areaOf(ringOf(a)) - areaOf(ringOf(b)));
    const hit = hits.find(({ name }) => name === this.chosen) || hits[0];
    return hit ? { name: hit.name, inside: true } : null;
  }

  reshaped(shape, k, to, from) { // with handle k at `to`, or all of it moved
    const points = shape.points.map((p) => [...p]);
    if (k === undefined) return { ...shape, points: points.map(([x, y]) => [x + to[0] - from[0], y + to[1] - from[1]]) };
    if (shape.kind !== "frame") { points[k] = to; return { ...shape, points }; }
    const [[x0, y0], [x1, y1]] = points;
    const left = [0, 3, 7].includes(k), right = [1, 2, 5].includes(k), top = [0, 1, 4].includes(k), bottom = [2, 3, 6].includes(k);
    return { ...shape, points: [[left ? to[0] : x0, top ? to[1] : y0], [right ? to[0] : x1, bottom ? to[1] : y1]] };
  }

  ordered(shape) {
    if (shape.kind !== "frame") return shape;
    const [[x0, y0], [x1, y1]] = shape.points;
    return { ...shape, points: [[Math.min(x0, x1), Math.min(y0, y1)], [Math.max(x0, x1), Math.max(y0, y1)]] };
  }

  // --- drawing

  draw() {
    if (this.drawing || !this.picture || !this.shapes) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      const c = this.canvas.getContext("2d"), r = devicePixelRatio;
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.clearRect(0, 0, this.canvas.width, this.canvas.height);
      c.setTransform(this.scale * r, 0, 0, this.scale * r, this.x * r, this.y * r);
      c.imageSmoothingEnabled = this.scale < 3;
      c.drawImage(this.picture, 0, 0, this.width, this.height);
      c.setTransform(r, 0, 0, r, 0, 0);
      this.drawShapes(c);
      drawScaleBar(c, this.data.um / this.scale, this.size());
      Object.assign(this.stage.dataset, { scale: this.scale, x: this.x, y: this.y });
    });
  }

  drawShapes(c) {
    const held = this.hold?.shape;
    for (const shape of this.shapes.values()) this.drawShape(c, held?.name === shape.name ? held : shape);
    if (this.hold?.frame) this.drawShape(c, { kind: "frame", points: this.hold.frame, name: "" });
    const path = this.hold?.path || (this.corners.length ? [...this.corners, ...(this.pointer ? [this.toImage(this.pointer)] : [])] : []);
    if (path.length) {
      traceLine(c, path.map((p) => this.toScreen(p)), this.data.colours[this.tool], false, []);
      for (const corner of this.corners) this.dot(c, this.toScreen(corner), this.data.colours[this.tool]);
    }
    const chosen = held || this.shapes.get(this.chosen);
    if (chosen && this.tool === "select") for (const { at } of this.handles(chosen)) this.dot(c, this.toScreen(at), this.data.colours[chosen.kind]);
  }

  drawShape(c, shape) {
    const ring = ringOf(this.ordered(shape)).map((p) => this.toScreen(p));
    drawRegion(c, shape, ring, this.data.colours, this.size(), shape.name && shape.name === this.chosen ? 3 : 2);
  }

  dot(c, [x, y], colour) {
    c.fillStyle = "#fff";
    c.strokeStyle = colour;
    c.lineWidth = 2;
    c.beginPath();
    c.rect(x - 4, y - 4, 8, 8);
    c.fill();
    c.stroke();
  }

  // --- the hand

  down(event) {
    if (!this.data || !this.picture) return;
    const stage = this.stage, point = this.at(event);
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size > 1) { this.hold = null; this.corners = []; return this.draw(); } // a pinch
    this.start = point;
    const p = this.inImage(this.toImage(point)), on = this.under(point);
    if (event.button === 1 || this.space) { event.preventDefault(); this.hold = { pan: true }; }
    else if (event.button !== 0) return;
    else if (this.tool === "select") {
      if (on) this.chosen = on.name;
      this.hold = on ? { on, from: p, shape: this.shapes.get(on.name) } : { pan: true, click: true };
    } else if (this.tool === "frame") this.hold = { frame: [p, p] };
    else this.hold = { path: [p] };
    this.state();
    this.draw();
  }

  moveTo(event) {
    this.pointer = this.at(event);
    const before = this.pointers.get(event.pointerId), hold = this.hold;
    if (before && this.pointers.size === 2) this.pinch(before, event);
    if (before) this.pointers.set(event.pointerId, event);
    if (!hold || !before) {
      if (this.corners.length) this.draw();
      if (this.shapes && !before) this.stage.classList.toggle("over", this.tool === "select" && !!this.under(this.pointer));
      return;
    }
    const p = this.inImage(this.toImage(this.pointer));
    hold.moved = hold.moved || distance(this.start, this.pointer) > DRAG_PX;
    if (hold.pan) {
      this.stage.classList.add("drag");
      this.move(event.clientX - before.clientX, event.clientY - before.clientY);
    } else if (hold.frame) hold.frame[1] = p;
    else if (hold.path) for (const e of event.getCoalescedEvents?.() || [event]) hold.path.push(this.inImage(this.toImage(this.at(e))));
    else if (hold.moved) hold.shape = this.reshaped(this.shapes.get(hold.on.name) || hold.shape, hold.on.k, p, hold.from);
    this.draw();
  }

  up(event) {
    const known = this.pointers.delete(event.pointerId), hold = this.hold;
    this.hold = null;
    this.stage.classList.remove("drag");
    if (!known || !hold) return this.draw();
    if (hold.pan) { if (hold.click && !hold.moved) this.chosen = null; }
    else if (hold.frame) { if (hold.moved) this.rectangle(this.ordered({ kind: "frame", points: hold.frame })); }
    else if (hold.path) this.drawn(hold);
    else if (hold.moved) this.put(this.ordered(hold.shape));
    this.state();
    this.draw();
  }

  rectangle(shape) { this.data.frames ? this.finish("frame", shape.points) : this.finish("polygon", ringOf(shape)); }

  drawn({ path, moved }) { // a corner, or an outline in one go
    if (moved && !this.corners.length) return this.finish(this.tool, this.freehand(path));
    const [first] = this.corners, at = path[path.length - 1];
    if (first && this.corners.length > 2 && distance(this.toScreen(first), this.toScreen(at)) < NEAR_PX) return this.close();
    if (first && distance(this.toScreen(this.corners[this.corners.length - 1]), this.toScreen(at)) < 2) return; // the second click of two
    this.corners.push(at);
  }

  freehand(path) {
    const half = Math.floor(path.length / 2), off = FREEHAND_PX * Math.max(1, 1 / this.scale);
    return [...simplified(path.slice(0, half + 1), off).slice(0, -1), ...simplified(path.slice(half), off)].slice(0, 500);
  }

  corner(point) { // another one on a side of what is chosen
    const shape = this.shapes.get(this.chosen);
    if (this.tool !== "select" || !shape || shape.kind === "frame" || shape.points.length >= 500) return;
    const p = this.toImage(point);
    const sides = shape.points.map((a, k) => [besideSegment(p, a, shape.points[(k + 1) % shape.points.length]), k]);
    const [[far, at], k] = sides.sort((a, b) => a[0][0] - b[0][0])[0];
    if (far * this.scale < NEAR_PX) this.put({ ...shape, points: [...shape.points.slice(0, k + 1), at, ...shape.points.slice(k + 1)] });
  }

  nudge(dx, dy) {
    const shape = this.shapes.get(this.chosen);
    if (shape) return this.put(this.reshaped(shape, undefined, [dx, dy], [0, 0]));
    if (!this.fitted) this.move(-60 * Math.sign(dx), -60 * Math.sign(dy));
  }

  erase() {
    if (this.corners.length) { this.corners.pop(); this.draw(); }
    else if (this.chosen) this.remove(this.chosen);
  }

  key(event) {
    if (!this.data || event.metaKey && event.key !== "z" || event.altKey) return;
    const far = event.shiftKey ? 10 : 1, tools = { v: "select", r: "frame", p: "polygon", x: "excluded" };
    const act = event.ctrlKey || event.metaKey ? { z: () => this.undo() }[event.key.toLowerCase()] : {
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), "0": () => this.fit(),
      ArrowLeft: () => this.nudge(-far, 0), ArrowRight: () => this.nudge(far, 0),
      ArrowUp: () => this.nudge(0, -far), ArrowDown: () => this.nudge(0, far),
      Delete: () => this.erase(), Backspace: () => this.erase(), Enter: () => this.close(),
      Escape: () => { this.corners = []; this.hold = null; this.chosen = null; this.state(); this.draw(); },
    }[event.key] || (tools[event.key.toLowerCase()] && (() => this.setTool(tools[event.key.toLowerCase()])));
    if (act) { event.preventDefault(); event.stopPropagation(); act(); }
  }

  listen() {
    const stage = this.stage;
    this.root.querySelectorAll("[data-tool]").forEach((b) => (b.onclick = () => this.setTool(b.dataset.tool)));
    this.$(".undo").onclick = () => this.undo();
    this.$(".delete").onclick = () => this.erase();
    this.$(".in").onclick = () => this.zoom(1.5);
    this.$(".out").onclick = () => this.zoom(1 / 1.5);
    this.$(".fit").onclick = () => this.fit();
    stage.addEventListener("wheel", (e) => {
      if (!this.picture) return;
      e.preventDefault();
      this.zoom(Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0015)), this.at(e));
    }, { passive: false });
    stage.onpointerdown = (e) => this.down(e);
    stage.onpointermove = (e) => this.moveTo(e);
    stage.onpointerup = (e) => this.up(e);
    stage.onpointercancel = (e) => { this.pointers.delete(e.pointerId); this.hold = null; this.draw(); };
    stage.onpointerleave = () => { this.pointer = null; if (this.corners.length) this.draw(); };
    stage.ondblclick = (e) => {
      if (this.corners.length > 2) this.close();
      else this.corner(this.at(e));
    };
    stage.oncontextmenu = (e) => e.preventDefault();
    stage.onkeydown = (e) => { if (e.code === "Space") { this.space = true; stage.classList.add("grab"); e.preventDefault(); } else this.key(e); };
    stage.onkeyup = (e) => { if (e.code === "Space") { this.space = false; stage.classList.remove("grab"); } };
    stage.onblur = () => { this.space = false; stage.classList.remove("grab"); };
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".shapes");
  if (!surfaces.has(root)) surfaces.set(root, new Shapes(root));
  surfaces.get(root).update(component);
}
