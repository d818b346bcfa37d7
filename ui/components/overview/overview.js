// The whole image, small, with the visible window; a click or a drag moves the window there.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".overview"), picture = root.querySelector("img");
  if (picture.src !== data.image) picture.src = data.image;
  const box = root.querySelector(".window"), [left, top, width, height] = data.window;
  Object.assign(box.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%` });
  root.querySelector(".marks").replaceChildren(...data.marks.map(([x, y]) => {
    const mark = document.createElement("div");
    mark.className = "mark";
    Object.assign(mark.style, { left: `${100 * x}%`, top: `${100 * y}%` });
    return mark;
  }));
  const at = (event) => {
    const frame = picture.getBoundingClientRect();
    return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
  };
  const show = ([x, y]) => Object.assign(box.style, {
    left: `${100 * Math.min(1 - width, Math.max(0, x - width / 2))}%`, top: `${100 * Math.min(1 - height, Math.max(0, y - height / 2))}%` });
  root.onpointerdown = (event) => { root.setPointerCapture(event.pointerId); root.dragging = true; show(at(event)); };
  root.onpointermove = (event) => { if (root.dragging) show(at(event)); };
  root.onpointerup = (event) => {
    if (!root.dragging) return;
    root.dragging = false;
    setTriggerValue("goto", at(event));
  };
}
