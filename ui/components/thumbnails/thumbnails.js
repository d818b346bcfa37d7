// A strip of small pictures. The arrow keys, or a click, choose one; what was chosen is shown at once, and sent when the
// hand rests, so that many can be passed by quickly. Pictures are asked for when they come into sight, and kept here.
const REST = 140, WAIT = 450, TRUST = 4000; // ms: before sending; before asking again; until the page is believed
const AGAIN = 2000; // ms until a choice that the page does not show is sent again
const MANY = 30; // pictures asked for at once
const ICONS = {
  flagged: '<path d="M5 21V4h12l-2.5 4L17 12H5"/>', corrected: '<path d="M4 20l1-4L16 5l3 3L8 19z"/>',
  failed: '<path d="M12 5v8M12 18v.5"/>',
};
const WORDS = { flagged: "To look at", corrected: "Corrected", failed: "Failed" };
// Where arrows mean something else: in what is typed in, in sliders, tables, menus, tabs, and in pictures that move.
const OWN = "input,textarea,select,[contenteditable=true],[role=slider],[role=tab],[role=grid],[role=menu],[role=listbox]:not(.strip),[role=combobox],[role=radio],[role=spinbutton],[role=dialog]";
const pictures = new Map(); // by key, also after another page was looked at
const strips = new WeakMap();
let pending = { key: "", until: 0 }; // the last choice, for the strip that takes this one's place when the page is drawn anew

function icon(kind) {
  const mark = document.createElement("i");
  mark.className = `mark ${kind}`;
  mark.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[kind]}</svg>`; // fixed text
  return mark;
}

class Strip {
  constructor(root) {
    this.root = root;
    this.place = root.querySelector(".strip");
    this.filters = root.querySelector(".filters");
    this.thumbs = [];
    this.current = -1;
    this.filter = "";
    this.until = 0;
    this.seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) target.inSight = isIntersecting;
      this.askSoon(60);
    }, { root: this.place, rootMargin: "0px 300px" });
    const onkey = (event) => {
      if (!root.isConnected) return document.removeEventListener("keydown", onkey);
      this.key(event);
    };
    document.addEventListener("keydown", onkey);
    this.place.addEventListener("wheel", (event) => { // a wheel moves the strip sideways, until its end
      const before = this.place.scrollLeft;
      if (Math.abs(event.deltaY) <= Math.abs(event.deltaX)) return;
      this.place.scrollLeft += event.deltaY;
      if (this.place.scrollLeft !== before) event.preventDefault();
    }, { passive: false });
  }

  update(component) {
    this.component = component;
    const { items, current, pictures: sent } = component.data;
    for (const [key, url] of Object.entries(sent)) pictures.set(key, url);
    const signature = JSON.stringify(items);
    if (signature !== this.signature) {
      this.signature = signature;
      this.items = items;
      this.draw();
    }
    const fresh = this.current < 0, chosen = items.findIndex((item) => item.key === pending.key);
    if (performance.now() > this.until || current === this.current) this.show(current);
    if (fresh && chosen >= 0 && chosen !== current && performance.now() < pending.until) this.choose(chosen);
    for (const tile of this.thumbs) this.fill(tile);
    this.askSoon(WAIT);
  }

  draw() {
    this.seen.disconnect();
    this.thumbs = this.items.map((item, k) => {
      const tile = document.createElement("button");
      tile.className = "thumb";
      tile.item = item;
      tile.title = item.tip;
      tile.setAttribute("role", "option");
      const frame = document.createElement("span"), name = document.createElement("span"), marks = document.createElement("span");
      frame.className = "frame";
      name.className = "name";
      marks.className = "marks";
      name.textContent = item.name;
      const failed = item.marks.includes("failed");
      tile.classList.toggle("failed", failed);
      if (failed) {
        frame.textContent = "!";
        tile.onclick = () => document.querySelector(this.component.data.failures)?.scrollIntoView({ block: "center" });
      } else {
        const count = document.createElement("span");
        count.className = "count";
        count.textContent = item.count?.toLocaleString("en") ?? "";
        count.hidden = item.count === null;
        frame.append(Object.assign(document.createElement("img"), { alt: "", draggable: false }), count);
        marks.append(...item.marks.map(icon));
        tile.onclick = () => this.choose(k);
      }
      tile.setAttribute("aria-label", item.tip);
      frame.append(marks);
      tile.append(frame, name);
      return tile;
    });
    this.place.replaceChildren(...this.thumbs);
    this.thumbs.forEach((tile) => this.seen.observe(tile));
    this.offer();
    this.current = Math.min(this.current, this.items.length - 1);
  }

  offer() { // the kinds that there are, each with how many
    const kinds = Object.keys(WORDS).filter((kind) => this.items.some((item) => item.marks.includes(kind)));
    if (this.filter && !kinds.includes(this.filter)) this.filter = "";
    this.filters.hidden = !kinds.length;
    this.filters.replaceChildren(...["", ...kinds].map((kind) => {
      const button = document.createElement("button"), number = document.createElement("b");
      const count = this.items.filter((item) => !kind || item.marks.includes(kind)).length;
      number.textContent = count.toLocaleString("en");
      button.append(...(kind ? [icon(kind)] : []), kind ? WORDS[kind] : "All", number);
      button.dataset.kind = kind;
      button.onclick = () => { this.filter = kind; this.sift(); };
      return button;
    }));
    this.sift();
  }

  sift() {
    for (const button of this.filters.children) {
      const on = button.dataset.kind === this.filter;
      button.classList.toggle("on", on);
      button.setAttribute("aria-pressed", on);
    }
    for (const tile of this.thumbs) tile.hidden = !!this.filter && !tile.item.marks.includes(this.filter);
    this.askSoon(60);
  }

  fill(tile) {
    const img = tile.querySelector("img"), url = pictures.get(tile.item.key);
    if (img && url && img.src !== url) img.src = url;
  }

  show(k) {
    if (k === this.current && this.thumbs[k]?.classList.contains("current")) return;
    this.current = k;
    this.thumbs.forEach((tile, other) => {
      tile.classList.toggle("current", other === k);
      tile.setAttribute("aria-selected", other === k);
      tile.tabIndex = other === k ? 0 : -1;
    });
    const tile = this.thumbs[k], { place } = this;
    if (!tile) return;
    const left = tile.offsetLeft - place.offsetLeft, room = tile.offsetWidth; // the neighbours stay in sight; the page does not move
    if (left - room < place.scrollLeft) place.scrollLeft = left - room;
    else if (left + 2 * room > place.scrollLeft + place.clientWidth) place.scrollLeft = left + 2 * room - place.clientWidth;
  }

  choose(k) {
    this.until = performance.now() + TRUST;
    pending = { key: this.items[k]?.key, until: this.until };
    this.show(k);
    clearTimeout(this.sending);
    this.sending = setTimeout(() => this.send(this.items[k]?.key, 4), REST);
  }

  send(key, times) { // a choice is lost where the page is drawn anew at that moment
    const k = this.items.findIndex((item) => item.key === key);
    if (!times || k < 0 || !this.root.isConnected) return;
    this.until = performance.now() + TRUST;
    this.component.setTriggerValue("chosen", k);
    this.sending = setTimeout(() => {
      const { items, current } = this.component.data;
      if (items[current]?.key !== key) this.send(key, times - 1);
    }, AGAIN);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const path = event.composedPath();
    if (path.some((at) => at.matches?.(OWN) || at.classList?.contains("grid"))) return;
    let k = this.current + step;
    while (this.thumbs[k] && (this.thumbs[k].hidden || this.thumbs[k].item.marks.includes("failed"))) k += step;
    event.preventDefault();
    if (!this.thumbs[k]) return;
    const inside = path.includes(this.place);
    this.choose(k);
    if (inside) this.thumbs[k].focus({ preventScroll: true });
  }

  askSoon(wait) {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.ask(), wait);
  }

  ask() {
    if (!this.root.isConnected) return;
    const missing = this.thumbs.filter((tile) => tile.inSight && !tile.hidden && !pictures.has(tile.item.key) && !tile.item.marks.includes("failed"));
    if (!missing.length) return;
    this.component.setTriggerValue("wanted", missing.slice(0, MANY).map((tile) => tile.item.key));
    this.askSoon(4 * WAIT); // the answer may have been lost to another click
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".thumbnails");
  if (!strips.has(root)) strips.set(root, new Strip(root));
  strips.get(root).update(component);
}
