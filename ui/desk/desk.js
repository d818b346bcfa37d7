// Not seen: tells Python how wide the page is, which keys were pressed, and what this browser remembers.
const STEP = 20; // px; smaller changes of width are not worth drawing anew
const MAX_DRAFTS = 10;
const desks = new WeakMap();

function typing(event) {
  const at = event.composedPath()[0];
  return at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName || "") && at.type !== "radio" && at.type !== "checkbox");
}

class Desk {
  constructor(root, component) {
    this.root = root;
    this.onkey = (event) => {
      if (!root.isConnected) return document.removeEventListener("keydown", this.onkey);
      if (event.ctrlKey && event.key.toLowerCase() === "z") return this.press(event, event.shiftKey ? "redo" : "undo");
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
      const action = this.keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (action) this.press(event, action);
    };
    document.addEventListener("keydown", this.onkey);
    new ResizeObserver(() => this.measure()).observe(root.parentElement);
    this.update(component);
  }

  press(event, action) {
    event.preventDefault();
    this.component.setTriggerValue("key", action);
  }

  measure() {
    const width = Math.floor(this.root.parentElement.getBoundingClientRect().width);
    if (width && Math.abs(width - (this.width || 0)) >= STEP) {
      this.width = width;
      this.component.setStateValue("width", width);
    }
  }

  update(component) {
    this.component = component;
    this.keys = component.data.keys;
    try { // private windows may have no storage
      for (const [name, value] of Object.entries(component.data.remember || {})) {
        const before = name === "drafts" ? (localStorage.getItem("bccseg_drafts") || "").split(",") : []; // of other tabs too
        const kept = [...new Set([...value.split(","), ...before])].filter(Boolean).slice(0, MAX_DRAFTS);
        localStorage.setItem(`bccseg_${name}`, name === "drafts" ? kept.join(",") : value);
      }
      for (const name of ["author", "drafts"]) {
        const value = localStorage.getItem(`bccseg_${name}`) || "";
        if (value && value !== this[name]) component.setStateValue(name, (this[name] = value));
      }
    } catch { /* nothing is remembered then */ }
    this.measure();
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".desk");
  if (desks.has(root)) desks.get(root).update(component);
  else desks.set(root, new Desk(root, component));
}
