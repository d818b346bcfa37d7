// Not seen: tells Python how wide the page is, and which keys were pressed.
const STEP = 20; // px; smaller changes of width are not worth drawing anew
const STILL = 250; // ms
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
    if (width && !this.width) this.tell(width); // the page waits for the first one
    else this.wait();
  }

  // Later ones are told when the page stands still and the pointer has left the page list. Who is there is about to
  // leave, and a width told between the click on another page and the answer to it names this page again: Streamlit
  // would stay here.
  wait() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      if (!this.root.isConnected) return;
      const width = Math.floor(this.root.parentElement.getBoundingClientRect().width);
      if (!width || Math.abs(width - this.width) < STEP) return;
      if (document.querySelector("[data-testid=stSidebar]:hover")) this.wait();
      else this.tell(width);
    }, STILL);
  }

  tell(width) {
    this.width = width;
    this.component.setStateValue("width", width);
  }

  update(component) {
    this.component = component;
    this.keys = component.data.keys;
    this.measure();
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".desk");
  if (desks.has(root)) desks.get(root).update(component);
  else desks.set(root, new Desk(root, component));
}
