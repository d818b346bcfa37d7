// Not seen: what this browser remembers from one visit to the next. Python is sent what it does not know yet.
const MAX_DRAFTS = 10;
const sent = new WeakMap(); // nothing is sent twice, should Python not want it
const TOKEN = /^[0-9a-f]{64}$/;

// A long random number by which the server knows this browser again. As a cookie too: that arrives with the page.
function visitor(known, days) {
  let token = known, kept = false;
  try { token ||= localStorage.getItem("bccseg_visitor"); } catch { /* a private window */ }
  if (!TOKEN.test(token || "")) {
    token = [...crypto.getRandomValues(new Uint8Array(32))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  try { localStorage.setItem("bccseg_visitor", token); kept = true; } catch { /* the cookie may do */ }
  const framed = window.top !== window ? "none; secure; partitioned" : location.protocol === "https:" ? "lax; secure" : "lax";
  document.cookie = `bccseg_visitor=${token}; max-age=${days * 86400}; path=/; samesite=${framed}`;
  return kept || document.cookie.includes(token) ? token : ""; // the server need not keep what nobody can ask for
}

export default function (component) {
  const { store, known, days } = component.data, root = component.parentElement.querySelector(".local-storage");
  const already = sent.get(root) || sent.set(root, {}).get(root);
  const send = (name, value) => {
    if (value && value !== known[name] && value !== already[name]) component.setStateValue(name, (already[name] = value));
  };
  if ("visitor" in known) send("visitor", visitor(known.visitor, days));
  if ("framed" in known) send("framed", window.top !== window ? "yes" : "no");
  try { // private windows may have no storage
    for (const [name, value] of Object.entries(store)) {
      const before = name === "drafts" ? (localStorage.getItem("bccseg_drafts") || "").split(",") : []; // of other tabs too
      const kept = [...new Set([...value.split(","), ...before])].filter(Boolean).slice(0, MAX_DRAFTS);
      localStorage.setItem(`bccseg_${name}`, name === "drafts" ? kept.join(",") : value);
    }
    for (const name of Object.keys(known)) if (name !== "visitor" && name !== "framed") send(name, localStorage.getItem(`bccseg_${name}`) || "");
  } catch { /* nothing is remembered then */ }
}
