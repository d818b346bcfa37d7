// Not seen: while files are dragged over the page, the place to drop them covers all of it (page.css).
const MARK = "dropping";
let listening = false;

function files(event) {
  return [...(event.dataTransfer?.types || [])].includes("Files");
}

function listen() {
  const end = () => delete document.documentElement.dataset[MARK];
  let still;
  const over = (event) => { // dragover comes many times a second while a drag lasts, whatever is left or entered
    if (!files(event)) return;
    document.documentElement.dataset[MARK] = "";
    clearTimeout(still);
    still = setTimeout(end, 400);
  };
  for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, over, true);
  document.addEventListener("drop", end, true);
}

export default function () {
  if (!listening) listen();
  listening = true;
}
