// Not seen: what this browser remembers from one visit to the next. Python is sent what it does not know yet.
const MAX_DRAFTS = 10;
const sent = new WeakMap(); // nothing is sent twice, should Python not want it

export default function (component) {
  const { store, known } = component.data, root = component.parentElement.querySelector(".local-storage");
  const already = sent.get(root) || sent.set(root, {}).get(root);
  try { // private windows may have no storage
    for (const [name, value] of Object.entries(store)) {
      const before = name === "drafts" ? (localStorage.getItem("bccseg_drafts") || "").split(",") : []; // of other tabs too
      const kept = [...new Set([...value.split(","), ...before])].filter(Boolean).slice(0, MAX_DRAFTS);
      localStorage.setItem(`bccseg_${name}`, name === "drafts" ? kept.join(",") : value);
    }
    for (const name of Object.keys(known)) {
      const value = localStorage.getItem(`bccseg_${name}`) || "";
      if (value && value !== known[name] && value !== already[name]) component.setStateValue(name, (already[name] = value));
    }
  } catch { /* nothing is remembered then */ }
}
