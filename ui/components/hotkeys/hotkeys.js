// Not seen: sends the action of a key that was pressed, how wide the page is, and that something was drawn.
const STEP = 20; // px; smaller changes of width are not worth drawing again
const STILL = 250, PAUSE = 150; // ms
const listeners = new WeakMap();

function typing(event) {
  const at = event.composedPath()[0];
  return at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName || "") && at.type !== "radio" && at.type !== "checkbox");
}

function leaving() {
  return document.querySelector("[data-testid=stSidebar]:hover");
}

class Hotkeys {
  constructor(root, component) {
    this.root = root;
    this.onkey = (event) => {
      if (!root.isConnected) return document.removeEventListener("keydown", this.onkey);
      if (!Object.keys(this.actions).length) return;
      if (event.ctrlKey && event.key.toLowerCase() === "z") return this.send(event, event.shiftKey ? "redo" : "undo");
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
      const action = this.actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (action) this.send(event, action);
    };
    document.addEventListener("keydown", this.onkey);
    this.ondrawn = () => {
      if (!root.isConnected) return document.removeEventListener("bccseg-drawn", this.ondrawn);
      clearTimeout(this.telling);
      this.telling = setTimeout(() => this.tell(), PAUSE);
    };
    document.addEventListener("bccseg-drawn", this.ondrawn);
    new ResizeObserver(() => this.measure()).observe(root.parentElement);
    this.update(component);
  }

  send(event, action) {
    event.preventDefault();
    this.component.setTriggerValue("action", action);
  }

  tell() { // what stands around the picture is drawn again when the hand rests
    if (this.root.isConnected && !leaving()) this.component.setStateValue("drawn", Date.now());
  }

  measure() {
    const width = Math.floor(this.root.parentElement.getBoundingClientRect().width);
    if (width && !this.width) this.sendWidth(width); // the page waits for the first one
    else this.wait();
  }

  // Later ones are sent when the page stands still and the pointer has left the page list. Who is there is about to
  // leave, and a width sent between the click on another page and the answer to it names this page again: Streamlit
  // would stay here.
  wait() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      if (!this.root.isConnected) return;
      const width = Math.floor(this.root.parentElement.getBoundingClientRect().width);
      if (!width || Math.abs(width - this.width) < STEP) return;
      if (leaving()) this.wait();
      else this.sendWidth(width);
    }, STILL);
  }

  sendWidth(width) {
    this.width = width;
    this.component.setStateValue("width", width);
  }

  update(component) {
    this.component = component;
    this.actions = component.data.actions;
    this.measure();
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".hotkeys");
  if (listeners.has(root)) listeners.get(root).update(component);
  else listeners.set(root, new Hotkeys(root, component));
}
