// Image with cells over it: zoom, pan, hover, select. Cells arrive as a picture whose pixels hold cell ids
// (red + 256 green + 65536 blue), so whatever is under the pointer is known exactly, however many cells.
const SELECTED = [255, 220, 0];
const choice = { style: "outline", opacity: 0.9, colour: "class", numbers: false }; // kept from image to image
const views = new WeakMap(); // one view an element, kept over Streamlit's reruns
const linked = new Set(); // views that look at the same place as others of their group

function load(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("the picture could not be shown"));
    image.src = url;
  });
}

function readIds(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const rgba = context.getImageData(0, 0, picture.width, picture.height).data;
  const ids = new Uint32Array(picture.width * picture.height);
  for (let i = 0; i < ids.length; i++) ids[i] = rgba[4 * i] | (rgba[4 * i + 1] << 8) | (rgba[4 * i + 2] << 16);
  return ids;
}

// The pictures shown last: whoever comes back from another page finds them read already. On the window, because
// Streamlit may load this code anew with each page.
const read = (window.bccsegPicturesRead ||= new Map());
async function readPictures(key, data) {
  let found = read.get(key);
  if (!found || found.of !== data.labels) {
    const [image, labels] = await Promise.all([load(data.image), load(data.labels)]);
    found = { image, ids: readIds(labels), width: labels.width, height: labels.height, of: data.labels };
    read.set(key, found);
    for (const old of [...read.keys()].slice(0, -3)) read.delete(old);
  }
  return found;
}

function onScale(scale, share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (scale.length - 1), k = Math.floor(at), f = at - k;
  return scale[k].map((low, c) => Math.round(low + f * (scale[k + 1][c] - low)));
}

class View extends ImageView {
  constructor(root) {
    super();
    this.root = root;
    this.$ = (selector) => root.querySelector(selector);
    this.stage = this.$(".stage");
    this.canvas = this.$("canvas");
    this.pointers = new Map();
    this.key = null;
    this.selected = 0;
    this.chips = new Chips(this.$(".chips"), (hidden) => { this.repaint(); this.hide(hidden); });
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  async show(data, select, hide) {
    Object.assign(this, { select, hide });
    const shows = this.chips.take(data.hidden);
    this.group = data.group || "";
    this.regions = data.regions;
    this.root.classList.toggle("plain", !!data.plain); // only to look at: no colours, no numbers, nothing to select
    const title = this.root.querySelector(".title");
    title.textContent = title.title = data.title || "";
    title.hidden = !data.title;
    if (this.group) linked.add(this);
    if (data.key !== this.key) {
      this.key = data.key;
      const { image, ids, width, height } = await readPictures(data.key, data);
      if (this.key !== data.key) return; // a newer image came meanwhile
      const stay = data.place && this.data?.place === data.place && width === this.width; // same image, other cells
      Object.assign(this, { data, image, ids, width, height });
      this.index = new Map(data.cells.id.map((id, row) => [id, row]));
      this.offerColours();
      this.chips.show(data.classes || []);
      this.selected = data.selected;
      this.repaint();
      if (!stay) this.fit();
      this.resize();
    } else if (this.data && (data.selected !== this.selected || shows)) {
      const moved = data.selected !== this.selected;
      this.selected = data.selected;
      this.chips.show(this.data.classes || []);
      this.repaint();
      if (moved) this.reveal();
    }
    this.draw(); // regions change without the picture
    this.stage.dataset.ready = data.key;
  }

  peers() {
    for (const view of linked) if (!view.root.isConnected) linked.delete(view);
    return [...linked].filter((view) => view !== this && this.group && view.group === this.group && view.ids);
  }

  lead() { // the others of the group look where this one does, whatever their width
    const [w, h] = this.size();
    for (const view of this.peers()) {
      const [v, u] = view.size();
      view.scale = view.least * this.scale / this.least;
      view.x = v / 2 - (w / 2 - this.x) / this.scale * view.scale;
      view.y = u / 2 - (h / 2 - this.y) / this.scale * view.scale;
      view.fitted = this.fitted;
      view.draw();
    }
  }

  offerColours() {
    if (this.data.plain) return;
    const menu = this.$(".colour");
    menu.replaceChildren();
    for (const [value, text] of [["", "plain"], ...(this.data.classes ? [["class", "Class"]] : []), ...Object.entries(this.data.measures)]) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = text;
      menu.append(option);
    }
    menu.value = this.colour();
    this.$(".opacity").value = choice.opacity;
    this.$(".numbers").checked = choice.numbers;
  }

  colour() { // what the cells are coloured by, where this image has what was chosen
    if (choice.colour === "class" && this.data.classes) return "class";
    return choice.colour in this.data.measures ? choice.colour : "";
  }

  hidden(row) { return this.chips.hidden.size > 0 && this.chips.hidden.has(this.data.classes?.[this.data.cells.class[row]]?.name); }

  colours() {
    const { plain, cells, classes } = this.data, by = this.colour(), out = new Map();
    const values = plain || by === "class" ? null : cells[by];
    const ofClass = by === "class" && classes.map(({ colour }) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16)));
    const { scale, palette, outline, unknown } = this.data.colours; // the same as in the overlay that is saved
    const known = (values || []).filter((v) => v !== null);
    const low = Math.min(...known), high = Math.max(...known);
    cells.id.forEach((id, row) => {
      if (plain) out.set(id, cells.colour[row]);
      else if (this.hidden(row)) return;
      else if (ofClass) out.set(id, ofClass[cells.class[row]]);
      else if (!values) out.set(id, choice.style === "fill" ? palette[(id - 1) % palette.length] : outline);
      else out.set(id, values[row] === null ? unknown : onScale(scale, high > low ? (values[row] - low) / (high - low) : 0.5));
    });
    const legend = this.$(".legend");
    legend.hidden = !known.length || choice.style === "none";
    this.$(".legend i").style.background = `linear-gradient(90deg, ${scale.map((c) => `rgb(${c})`)})`;
    if (known.length) {
      this.$(".low").textContent = String(+low.toPrecision(3));
      this.$(".high").textContent = String(+high.toPrecision(3));
    }
    return out;
  }

  repaint() { // the layer of cells, once a change; panning and zooming reuse it
    const { width: w, height: h, ids } = this, colours = this.colours();
    const layer = new ImageData(w, h), px = new Uint32Array(layer.data.buffer);
    const thick = Math.max(2, Math.round(Math.max(w, h) / 550)), alpha = Math.round(choice.opacity * 255);
    const packed = new Map([...colours].map(([id, [r, g, b]]) => [id, (alpha << 24 | b << 16 | g << 8 | r) >>> 0]));
    const chosen = (255 << 24 | SELECTED[2] << 16 | SELECTED[1] << 8 | SELECTED[0]) >>> 0;
    const edge = (i, x, y, id, t) => x < t || y < t || x >= w - t || y >= h - t ||
      ids[i - t] !== id || ids[i + t] !== id || ids[i - t * w] !== id || ids[i + t * w] !== id;
    for (let y = 0, i = 0; y < h; y++) {
      for (let x = 0; x < w; x++, i++) {
        const id = ids[i];
        if (!id || !packed.has(id)) continue;
        if (id === this.selected && edge(i, x, y, id, 2 * thick)) px[i] = chosen;
        else if (choice.style === "fill") px[i] = packed.get(id);
        else if (choice.style === "outline" && edge(i, x, y, id, thick)) px[i] = packed.get(id);
      }
    }
    this.layer = this.layer || new OffscreenCanvas(1, 1);
    this.layer.width = w;
    this.layer.height = h;
    this.layer.getContext("2d").putImageData(layer, 0, 0);
    this.$(".bar").querySelectorAll("[data-style]").forEach((b) => {
      b.classList.toggle("on", b.dataset.style === choice.style);
      b.setAttribute("aria-pressed", b.dataset.style === choice.style);
    });
    this.draw();
  }

  draw() {
    if (!this.image || this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const c = this.canvas.getContext("2d"), r = devicePixelRatio;
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.clearRect(0, 0, this.canvas.width, this.canvas.height);
      c.setTransform(this.scale * r, 0, 0, this.scale * r, this.x * r, this.y * r);
      c.imageSmoothingEnabled = this.scale < 3;
      c.drawImage(this.image, 0, 0, this.width, this.height);
      if (choice.style !== "none") this.drawWhole(c);
      c.drawImage(this.layer, 0, 0);
      if (choice.numbers && !this.data.plain) this.drawNumbers(c, r);
      c.setTransform(r, 0, 0, r, 0, 0);
      this.drawRegions(c);
      const bar = drawScaleBar(c, this.data.um / this.scale, this.size());
      Object.assign(this.stage.dataset, { scale: this.scale, x: this.x, y: this.y, bar: bar ? bar.um : "" });
    });
  }

  drawWhole(c) { // estimated outlines of cells that others hide in part
    c.strokeStyle = `rgb(${this.data.colours.whole} / ${choice.opacity})`.replaceAll(",", " ");
    c.lineWidth = 1.5 / this.scale;
    c.setLineDash([5 / this.scale, 3 / this.scale]);
    for (const [k, ring] of this.data.whole.entries()) {
      if (this.hidden(this.index.get(this.data.whole_of[k]))) continue;
      c.beginPath();
      for (const [x, y] of ring) c.lineTo(x, y);
      c.closePath();
      c.stroke();
    }
    c.setLineDash([]);
  }

  drawRegions(c) {
    const { shapes = [], colours } = this.regions || {}, k = this.scale * (this.data.shrink || 1);
    for (const shape of shapes) drawRegion(c, shape, ringOf(shape).map(([x, y]) => [x * k + this.x, y * k + this.y]), colours, this.size());
  }

  drawNumbers(c, r) {
    const { id, x, y, small } = this.data.cells, typical = this.data.diameter * this.scale;
    if (typical < 9) return; // would be a blur
    c.setTransform(r, 0, 0, r, 0, 0);
    c.font = `600 ${Math.min(16, Math.max(9, typical * 0.3))}px sans-serif`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.lineWidth = 3;
    c.strokeStyle = "#fff";
    c.fillStyle = "#000";
    for (let k = 0; k < id.length; k++) {
      if (small?.[k] || this.hidden(k)) continue;
      const at = [x[k] * this.scale + this.x, y[k] * this.scale + this.y];
      c.strokeText(id[k], ...at);
      c.fillText(id[k], ...at);
    }
  }

  reveal() { // bring the selected cell into sight
    const row = this.index.get(this.selected);
    if (row === undefined) return this.draw();
    const [w, h] = this.size(), { x, y } = this.data.cells;
    const px = x[row] * this.scale + this.x, py = y[row] * this.scale + this.y;
    if (px < 0 || py < 0 || px > w || py > h) this.move(w / 2 - px, h / 2 - py);
    this.draw();
  }

  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.left - this.x) / this.scale);
    const y = Math.floor((event.clientY - box.top - this.y) / this.scale);
    return x >= 0 && y >= 0 && x < this.width && y < this.height ? this.seen(this.ids[y * this.width + x]) : 0;
  }

  seen(id) { return id && this.hidden(this.index.get(id)) ? 0 : id; }

  tip(event) {
    const tip = this.$(".tip"), id = this.ids ? this.cellAt(event) : 0, row = this.index?.get(id);
    tip.hidden = row === undefined;
    if (tip.hidden) return;
    tip.textContent = [...(this.data.cells.small?.[row] ? [] : [`Cell ${id}`]), ...this.data.tips.filter(([key], k) => k < 3 || this.data.cells[key][row] !== null)
      .map(([key, text]) => `${text}: ${this.data.cells[key][row] ?? "–"}`)].join("\n");
    const box = this.stage.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    tip.style.left = `${x + 14 + tip.offsetWidth > box.width ? x - 14 - tip.offsetWidth : x + 14}px`;
    tip.style.top = `${Math.min(y + 14, box.height - tip.offsetHeight - 4)}px`;
  }

  choose(id) {
    this.selected = id === this.selected ? 0 : id;
    this.repaint();
    this.select(this.selected);
    if (this.selected && this.data.table) {
      document.querySelector(this.data.table)?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }
  }

  set(change) {
    Object.assign(choice, change);
    for (const view of [this, ...this.peers()]) if (view.ids) view.repaint();
  }

  listen() {
    this.root.querySelectorAll("[data-style]").forEach((b) => (b.onclick = () => this.set({ style: b.dataset.style })));
    this.$(".opacity").oninput = (e) => this.set({ opacity: +e.target.value });
    this.$(".colour").onchange = (e) => this.set({ colour: e.target.value });
    this.$(".numbers").onchange = (e) => this.set({ numbers: e.target.checked });
    this.$(".in").onclick = () => this.zoom(1.5);
    this.$(".out").onclick = () => this.zoom(1 / 1.5);
    this.$(".fit").onclick = () => this.fit();
    const stage = this.stage;
    stage.addEventListener("wheel", (e) => {
      e.preventDefault();
      this.zoom(Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0015)), this.at(e));
    }, { passive: false });
    stage.onpointerdown = (e) => {
      stage.setPointerCapture(e.pointerId);
      this.pointers.set(e.pointerId, e);
      this.travelled = this.pointers.size > 1 ? 99 : 0;
    };
    stage.onpointermove = (e) => {
      const before = this.pointers.get(e.pointerId);
      if (!before) return this.tip(e);
      if (this.pointers.size === 2) this.pinch(before, e);
      else this.move(e.clientX - before.clientX, e.clientY - before.clientY);
      this.travelled += Math.abs(e.clientX - before.clientX) + Math.abs(e.clientY - before.clientY);
      if (this.travelled > 4) { stage.classList.add("drag"); this.$(".tip").hidden = true; }
      this.pointers.set(e.pointerId, e);
    };
    stage.onpointerup = (e) => {
      if (this.pointers.delete(e.pointerId) && this.travelled <= 4 && this.ids && !this.data.plain) {
        const under = this.cellAt(e), id = this.data.cells.small?.[this.index.get(under)] ? 0 : under; // those are in no table
        if (id || this.selected) this.choose(id || this.selected);
        this.tip(e);
      }
      stage.classList.remove("drag");
    };
    stage.onpointercancel = (e) => this.pointers.delete(e.pointerId);
    stage.onpointerleave = () => (this.$(".tip").hidden = true);
    stage.onkeydown = (e) => this.key_(e);
  }

  key_(e) {
    const step = 60, act = {
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), "0": () => this.fit(),
      ArrowLeft: () => this.move(step, 0), ArrowRight: () => this.move(-step, 0),
      ArrowUp: () => this.move(0, step), ArrowDown: () => this.move(0, -step),
      o: () => this.set({ style: "outline" }), f: () => this.set({ style: "fill" }), h: () => this.set({ style: "none" }),
      n: () => { this.$(".numbers").checked = !choice.numbers; this.set({ numbers: !choice.numbers }); },
      Escape: () => this.selected && this.choose(this.selected),
    }[e.key];
    if (e.key === "n" && this.data.plain) return; // the page's own
    if (this.fitted && /^Arrow(Left|Right)$/.test(e.key)) return; // nothing to move: they may go to another image
    if (act && !e.ctrlKey && !e.metaKey) { e.preventDefault(); e.stopPropagation(); act(); }
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".viewer");
  if (!views.has(root)) views.set(root, new View(root));
  views.get(root).show(component.data, (id) => component.setTriggerValue("selected", id), (names) => component.setStateValue("hidden", names))
    .catch((error) => { root.querySelector(".stage").textContent = String(error.message); });
}
