// Regions as lines on a picture, and its scale bar: the same in the viewer and where they are drawn. Points are of the screen.
const ringOf = ({ kind, points }) => {
  if (kind !== "frame") return points;
  const [[x0, y0], [x1, y1]] = points;
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
};

function traceLine(c, ring, colour, closed, dash, width = 2) {
  c.lineJoin = c.lineCap = "round";
  for (const [stroke, line] of [["#fff", width + 2], [colour, width]]) {
    c.strokeStyle = stroke;
    c.lineWidth = line;
    c.setLineDash(dash);
    c.beginPath();
    for (const p of ring) c.lineTo(...p);
    if (closed) c.closePath();
    c.stroke();
  }
  c.setLineDash([]);
}

function drawRegion(c, { kind, name }, ring, colours, [w, h], width = 2) {
  if (kind === "excluded") hatch(c, ring, colours.excluded, [w, h]);
  if (kind === "frame") { // as in stereology: what touches the solid line is out
    traceLine(c, [ring[1], ring[2], ring[3]], colours.frame, false, [8, 6], width);
    traceLine(c, [ring[3], ring[0], ring[1]], colours.out, false, [], width);
  } else traceLine(c, ring, colours[kind], true, kind === "excluded" ? [8, 6] : [], width);
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  const seen = Math.min(...xs) < w && Math.max(...xs) > 0 && Math.min(...ys) < h && Math.max(...ys) > 0;
  if (name && seen) drawLabel(c, name, [Math.min(...xs), Math.min(...ys)], colours[kind], [w, h]);
}

function hatch(c, ring, colour, [w, h]) {
  c.save();
  c.beginPath();
  for (const p of ring) c.lineTo(...p);
  c.clip();
  c.strokeStyle = colour;
  c.lineWidth = 1;
  c.beginPath();
  for (let s = 0; s < w + h; s += 12) { c.moveTo(s, 0); c.lineTo(s - h, h); }
  c.stroke();
  c.restore();
}

function drawLabel(c, text, [x, y], colour, [w, h]) {
  c.font = "600 12px sans-serif";
  c.textAlign = "left";
  c.textBaseline = "middle";
  const wide = c.measureText(text).width + 14;
  const left = Math.min(Math.max(x + 5, 2), w - wide - 2), top = Math.min(Math.max(y + 5, 2), h - 22);
  c.fillStyle = "rgba(20, 20, 28, 0.8)";
  c.fillRect(left, top, wide, 19);
  c.fillStyle = colour;
  c.fillRect(left, top, 4, 19);
  c.fillStyle = "#fff";
  c.fillText(text, left + 9, top + 10);
}

function drawScaleBar(c, umPerPx, [w, h]) { // as in `report/scale_bar`: 1, 2 or 5 times a power of ten
  if (!umPerPx || w < 150 || h < 80) return null;
  const most = w * umPerPx * 0.22, power = 10 ** Math.floor(Math.log10(most));
  const um = Math.max(...[1, 2, 5].filter((step) => step * power <= most * (1 + 1e-9))) * power, long = um / umPerPx;
  const text = um < 0.999 ? `${+(um * 1000).toPrecision(4)} nm` : um < 999.9 ? `${+um.toPrecision(4)} µm` : `${+(um / 1000).toPrecision(4)} mm`;
  c.font = "600 12px sans-serif";
  const wide = Math.max(long, c.measureText(text).width) + 20, left = w - wide - 8, top = h - 42;
  c.fillStyle = "rgba(20, 20, 28, 0.75)";
  c.beginPath();
  c.roundRect(left, top, wide, 34, 5);
  c.fill();
  c.fillStyle = "#fff";
  c.textAlign = "center";
  c.textBaseline = "middle";
  c.fillText(text, left + wide / 2, top + 12);
  c.fillRect(left + (wide - long) / 2, top + 23, long, 4);
  return { um, long };
}
