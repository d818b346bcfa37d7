// Chips that name classes with colour and count; a click shows or hides one. Shared by the components that have them.
class Chips {
  constructor(place, onchange) {
    this.place = place;
    this.onchange = onchange;
    this.hidden = new Set();
    this.until = 0;
  }

  take(hidden = []) { // what the page says is hidden, unless somebody has just clicked and it does not know yet
    if (performance.now() < this.until) return false;
    const changed = hidden.length !== this.hidden.size || hidden.some((name) => !this.hidden.has(name));
    this.hidden = new Set(hidden);
    return changed;
  }

  show(classes) { // [{ name, words, colour, count }]
    this.classes = classes;
    this.place.hidden = !classes.length;
    if (classes.map((one) => one.name).join() !== this.shown) {
      this.shown = classes.map((one) => one.name).join();
      this.place.replaceChildren(...classes.map(({ name }) => {
        const chip = document.createElement("button");
        chip.dataset.class = name;
        chip.append(document.createElement("i"), document.createElement("span"), document.createElement("b"));
        chip.onclick = (event) => (event.detail === 2 ? this.only(name) : this.toggle(name));
        return chip;
      }));
    }
    classes.forEach(({ name, words, colour, count }, k) => {
      const chip = this.place.children[k], [dot, text, number] = chip.children, on = !this.hidden.has(name);
      dot.style.background = colour;
      text.textContent = words;
      number.textContent = count.toLocaleString("en");
      chip.classList.toggle("off", !on);
      chip.setAttribute("aria-pressed", on);
      chip.title = `${on ? "Shown. Click to hide" : "Hidden. Click to show"}; double click: these alone`;
    });
  }

  toggle(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.tell();
  }

  only(name) {
    this.hidden = new Set(this.classes.map((one) => one.name).filter((other) => other !== name));
    this.tell();
  }

  tell() {
    this.until = performance.now() + 3000;
    this.show(this.classes);
    this.onchange([...this.hidden]);
  }
}

