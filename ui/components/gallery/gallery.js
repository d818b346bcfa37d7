// Crops of cells, to be moved from class to class. What is done is a numbered command; all that have no answer yet are
// sent together, and shown as done at once, so that nothing is lost however quickly keys follow. No tile moves under
// the hand: a cell of another class keeps its place until it is asked to be sorted again.
const ANSWER_MS = 4000; // without an answer what waits is sent again
const REST_MS = 900; // after so long without a command the page's numbers follow
const TILE_REM = 4.5;
const galleries = new WeakMap();

function typing(event) {
  const at = event.composedPath()[0];
  return at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName || ""));
}

class Gallery {
  constructor(root) {
    this.root = root;
    this.$ = (selector) => root.querySelector(selector);
    this.grid = this.$(".grid");
    this.waiting = []; // commands without an answer
    this.number = 0;
    this.selected = new Set();
    this.focus = this.anchor = null; // ids
    this.chips = new Chips(this.$(".chips"), (hidden) => this.component.setStateValue("hidden", hidden));
    this.listen();
    const again = setInterval(() => {
      if (!root.isConnected) clearInterval(again);
      else if (this.waiting.length && Date.now() - this.sentAt > ANSWER_MS) this.send();
    }, 1000);
  }

  update(component) {
    this.component = component;
    const data = component.data;
    if (data.sheet && this.sheet?.name !== data.sheetName) this.take(data);
    if (!this.sheet || this.sheet.name !== data.sheetName) return this.send(data); // it says what it has, and is sent the rest
    this.data = data;
    this.number = Math.max(this.number, data.done);
    this.waiting = this.waiting.filter((command) => command.number > data.done);
    if (this.built !== data.sheetName) this.build();
    this.chips.take(data.hidden);
    this.paint();
    this.root.dataset.done = data.done;
    if (!this.waiting.length && data.done > data.told) this.rest();
  }

  take({ sheet, sheetName }) { // as a blob: 200 tiles with the picture in their style would hold 200 of it
    if (this.sheet) URL.revokeObjectURL(this.sheet.url);
    const bytes = Uint8Array.from(atob(sheet), (c) => c.charCodeAt(0));
    this.sheet = { name: sheetName, url: URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })) };
  }

  // --- what is sent

  command(act, more = {}) {
    if (!this.data || (act === "move" && !this.data.editable)) return;
    this.number = Math.max(this.number + 1, Date.now() * 8); // ascending, also after the page was opened again
    this.waiting.push({ number: this.number, act, ...more });
    this.send();
    this.paint();
  }

  send(data = this.data) {
    this.sentAt = Date.now();
    this.root.dataset.waiting = this.waiting.length;
    this.component.setStateValue("waiting", { commands: this.waiting, at: this.sentAt, has: this.sheet?.name || "", wants: data?.sheetName || "" });
  }

  rest() { // the numbers of the page follow when the hand rests, and nobody is about to leave
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (!this.root.isConnected || this.waiting.length) return;
      if (document.querySelector("[data-testid=stSidebar]:hover")) return this.rest();
      this.component.setStateValue("rested", this.data.done);
    }, REST_MS);
  }

  // --- what is shown

  build() { // the tiles, once a page
    const { data, grid } = this, size = data.columns * TILE_REM;
    this.built = data.sheetName;
    this.selected.clear();
    this.focus = this.anchor = null;
    this.tiles = new Map();
    const parts = [];
    data.tiles.forEach(([id, group], k) => {
      if (!k || group !== data.tiles[k - 1][1]) parts.push(this.heading(group));
      const tile = document.createElement("div"), score = document.createElement("span");
      tile.className = "tile";
      tile.dataset.id = id;
      tile.setAttribute("role", "option");
      score.className = "score";
      tile.append(score);
      Object.assign(tile.style, {
        backgroundImage: `url(${this.sheet.url})`, backgroundSize: `${size}rem auto`,
        backgroundPosition: `${-(k % data.columns) * TILE_REM}rem ${-Math.floor(k / data.columns) * TILE_REM}rem`,
      });
      this.tiles.set(id, tile);
      parts.push(tile);
    });
    grid.replaceChildren(...parts);
    grid.scrollTop = 0;
    this.order = data.tiles.map(([id]) => id);
    this.targets();
  }

  heading(group) {
    const line = document.createElement("h6"), all = document.createElement("button"), { classes, tiles } = this.data;
    const ids = tiles.filter((tile) => tile[1] === group).map(([id]) => id);
    all.textContent = "select all";
    all.onclick = () => { this.selected = new Set([...this.selected, ...ids]); this.paint(); };
    line.append(classes[group].words, all);
    return line;
  }

  targets() {
    this.$(".targets").replaceChildren(...this.data.classes.filter((one) => one.offered).map((one) => {
      const button = document.createElement("button"), dot = document.createElement("i");
      dot.style.background = one.colour;
      button.append(dot, one.words, ...(one.key ? [Object.assign(document.createElement("kbd"), { textContent: one.key.toUpperCase() })] : []));
      button.dataset.target = one.name;
      button.title = one.key ? `Move the selected cells here (key ${one.key.toUpperCase()})` : "Move the selected cells here";
      button.onclick = () => this.move(one.name);
      return button;
    }));
  }

  now() { // class and score of each cell, with what is on its way
    const { classes, tiles } = this.data, row = new Map(classes.map((one, k) => [one.name, k]));
    const known = new Map(tiles.map(([id, , at, score, hand]) => [id, { at, score, hand }]));
    for (const { act, ids, to } of this.waiting) {
      if (act === "move") for (const id of ids) if (known.has(id)) known.set(id, { at: row.get(to), score: null, hand: true });
    }
    return known;
  }

  paint() {
    const { data, selected } = this;
    if (!data) return;
    const known = this.now(), counts = data.classes.map((one) => one.count);
    let unsorted = false;
    for (const [id, group, at] of data.tiles) {
      const tile = this.tiles.get(id), cell = known.get(id), one = data.classes[cell.at];
      counts[at] -= 1;
      counts[cell.at] += 1;
      unsorted ||= cell.at !== group;
      tile.style.setProperty("--colour", one.colour);
      tile.classList.toggle("selected", selected.has(id));
      tile.classList.toggle("focus", id === this.focus && this.keys);
      tile.classList.toggle("hand", cell.hand);
      tile.setAttribute("aria-selected", selected.has(id));
      tile.dataset.class = one.name;
      tile.firstChild.textContent = cell.hand ? "by hand" : cell.score === null ? "" : cell.score.toFixed(2);
      tile.title = `${one.words}${cell.hand ? ", by hand" : cell.score === null ? "" : `, ${cell.score.toFixed(2)}`}`;
    }
    this.chips.show(data.classes.map((one, k) => ({ ...one, count: counts[k] })).filter((one) => one.count || this.chips.hidden.has(one.name)));
    const n = selected.size;
    this.$(".count").textContent = n ? `${n} selected` : "None selected";
    this.$(".targets").querySelectorAll("button").forEach((b) => (b.disabled = !n || !data.editable));
    this.$(".undo").disabled = !data.editable || !(data.undo || this.waiting.some((c) => c.act === "move"));
    this.$(".redo").disabled = !data.editable || !data.redo;
    this.$(".find").disabled = n !== 1;
    this.$(".sort").disabled = !unsorted;
    this.$(".pages").hidden = data.pages < 2;
    this.$(".pages span").textContent = `Page ${data.page + 1} of ${data.pages}`;
    this.$(".back").disabled = data.page === 0;
    this.$(".next").disabled = data.page + 1 >= data.pages;
    const hint = this.$(".hint");
    hint.classList.toggle("trouble", !!data.trouble);
    hint.textContent = data.trouble || (data.tiles.length ? data.hint : "No cells to show: their classes are hidden, or there are none.");
    this.root.dataset.waiting = this.waiting.length;
  }

  // --- what a hand does

  move(to) {
    if (!this.selected.size || !this.data.editable) return;
    this.command("move", { ids: [...this.selected], to });
    this.selected.clear();
    this.paint();
  }

  pick(id, { range = false, add = false } = {}) {
    if (range && this.anchor !== null) {
      const [a, b] = [this.order.indexOf(this.anchor), this.order.indexOf(id)].sort((x, y) => x - y);
      if (!add) this.selected.clear();
      for (const one of this.order.slice(a, b + 1)) this.selected.add(one);
    } else {
      if (!add) { const alone = this.selected.size === 1 && this.selected.has(id); this.selected.clear(); if (!alone) this.selected.add(id); }
      else if (!this.selected.delete(id)) this.selected.add(id);
      this.anchor = id;
    }
    this.focus = id;
    this.paint();
  }

  step(key, range) { // arrows go to the tile beside or above; they select it, as in a list of files
    const at = this.order.indexOf(this.focus);
    let next = at < 0 ? 0 : at + ({ ArrowLeft: -1, ArrowRight: 1, Home: -at, End: this.order.length - 1 - at }[key] ?? 0);
    if (at >= 0 && (key === "ArrowUp" || key === "ArrowDown")) next = this.beside(this.order[at], key === "ArrowDown" ? 1 : -1);
    const id = this.order[Math.min(this.order.length - 1, Math.max(0, next))];
    if (id === undefined) return;
    this.keys = true;
    if (range) this.pick(id, { range });
    else { this.selected.clear(); this.selected.add(id); this.focus = this.anchor = id; this.paint(); }
    this.tiles.get(id).scrollIntoView({ block: "nearest" });
  }

  beside(id, direction) { // index of the tile of the next line that is nearest across
    const here = this.tiles.get(id), line = (tile) => tile.offsetTop, lines = [...new Set(this.order.map((one) => line(this.tiles.get(one))))];
    const wanted = lines[lines.indexOf(line(here)) + direction];
    if (wanted === undefined) return this.order.indexOf(id);
    const there = this.order.filter((one) => line(this.tiles.get(one)) === wanted);
    const far = (one) => Math.abs(this.tiles.get(one).offsetLeft - here.offsetLeft);
    return this.order.indexOf(there.reduce((best, one) => (far(one) < far(best) ? one : best)));
  }

  listen() {
    const { grid } = this;
    grid.onclick = (event) => {
      const tile = event.target.closest(".tile");
      if (!tile) return;
      grid.focus({ preventScroll: true });
      this.keys = false;
      const touch = event.pointerType === "touch"; // a finger has no Ctrl: it adds
      this.pick(+tile.dataset.id, { range: event.shiftKey, add: event.ctrlKey || event.metaKey || touch });
    };
    grid.ondblclick = (event) => event.target.closest(".tile") && this.command("find", { ids: [+event.target.closest(".tile").dataset.id] });
    this.$(".undo").onclick = () => this.command("undo");
    this.$(".redo").onclick = () => this.command("redo");
    this.$(".sort").onclick = () => this.command("sort");
    this.$(".find").onclick = () => this.command("find", { ids: [...this.selected] });
    this.$(".back").onclick = () => this.command("page", { to: this.data.page - 1 });
    this.$(".next").onclick = () => this.command("page", { to: this.data.page + 1 });
    const key = (event) => {
      if (!this.root.isConnected) return document.removeEventListener("keydown", key);
      if (this.data && !typing(event) && this.key(event)) { event.preventDefault(); event.stopPropagation(); }
    };
    document.addEventListener("keydown", key);
  }

  key(event) { // whether it was one of ours
    const letter = event.key.toLowerCase(), inside = event.composedPath().includes(this.grid);
    if ((event.ctrlKey || event.metaKey) && letter === "z") { this.command(event.shiftKey ? "redo" : "undo"); return true; }
    if ((event.ctrlKey || event.metaKey) && letter === "y") { this.command("redo"); return true; }
    if ((event.ctrlKey || event.metaKey) && letter === "a" && inside) { this.selected = new Set(this.order); this.paint(); return true; }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const target = this.data.classes.find((one) => one.offered && one.key && one.key === letter);
    if (target && this.selected.size) { this.move(target.name); return true; }
    if (letter === "escape" && this.selected.size) { this.selected.clear(); this.paint(); return true; }
    if (!inside) return false;
    if (/^(Arrow|Home|End)/.test(event.key)) { this.step(event.key, event.shiftKey); return true; }
    if (event.key === " " && this.focus !== null) { this.pick(this.focus, { add: true }); return true; }
    return false;
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".gallery");
  if (!galleries.has(root)) galleries.set(root, new Gallery(root));
  galleries.get(root).update(component);
}
